import type { ProviderType } from './adapter.ts';

/** Types that write the status of a commit. */
const statusTypes: readonly ProviderType[] = [
  'azuredevops',
  'bitbucket',
  'bitbucketserver',
  'gitea',
  'github',
  'gitlab',
];

/** Types that write a comment on a change request. */
const commentTypes: readonly ProviderType[] = [
  'giteapullrequestcomment',
  'githubpullrequestcomment',
  'gitlabmergerequestcomment',
];

/** Types whose service makes labels or tags of metadata, by which it groups and counts. */
const labelTypes: readonly ProviderType[] = ['alertmanager', 'datadog', 'grafana'];

/** Types that pass events on as they are. */
const genericTypes: readonly ProviderType[] = ['generic', 'generic-hmac'];

/** Types whose services know what is wrong until they are told that it is over. */
const incidentTypes: readonly ProviderType[] = [
  'alertmanager',
  'grafana',
  'incident.io',
  'opsgenie',
  'pagerduty',
];

/** Types whose messages people read as they come. */
const chatTypes: readonly ProviderType[] = [
  'discord',
  'googlechat',
  'lark',
  'matrix',
  'msteams',
  'rocket',
  'slack',
  'telegram',
  'webex',
  'zoom',
  'zulip',
];

/** Whether a type of provider is of a service that keeps incidents. */
export function keepsIncidents(type: ProviderType): boolean {
  return incidentTypes.includes(type);
}

/**
 * Whether a type of provider is of a service that has an incident for each object, and groups them by its own rules.
 * Alertmanager does so too, and takes many in one request.
 */
export function groupsByItself(type: ProviderType): boolean {
  return incidentTypes.includes(type) && type !== 'alertmanager';
}

/** Whether what a type of provider writes belongs to one commit. */
export function isAboutCommits(type: ProviderType): boolean {
  return statusTypes.includes(type) || commentTypes.includes(type);
}

/** Whether a type of provider is told that what it was told of is over. */
export function hearsRecoveries(type: ProviderType): boolean {
  return incidentTypes.includes(type) || chatTypes.includes(type);
}

/** Whether people read the messages of a type of provider, in a service in which some texts call others. */
export function canMention(type: ProviderType): boolean {
  return chatTypes.includes(type) || commentTypes.includes(type);
}

/** Whether a type of provider writes the status of a commit. */
export function writesCommitStatus(type: ProviderType): boolean {
  return statusTypes.includes(type);
}

/** Whether a type of provider makes labels of the metadata of events. */
export function makesLabels(type: ProviderType): boolean {
  return labelTypes.includes(type);
}

/** Whether a type of provider writes a comment on a change request. */
export function writesComment(type: ProviderType): boolean {
  return commentTypes.includes(type);
}

/** Whether a type of provider gets events that ask for the status of a commit to be written. */
export function takesCommitStatusUpdates(type: ProviderType): boolean {
  return writesCommitStatus(type) || genericTypes.includes(type);
}
