import { alertmanagerCase } from './alertmanager.ts';
import { azureDevOpsCase } from './azure-devops.ts';
import { bitbucketCase } from './bitbucket.ts';
import { bitbucketServerCase } from './bitbucket-server.ts';
import { genericCase, genericHmacCase } from './generic.ts';
import { giteaCase } from './gitea.ts';
import { giteaPullRequestCommentCase } from './gitea-pull-request-comment.ts';
import { githubCase } from './github.ts';
import { githubDispatchCase } from './github-dispatch.ts';
import { githubPullRequestCommentCase } from './github-pull-request-comment.ts';
import { gitlabCase } from './gitlab.ts';
import { gitlabMergeRequestCommentCase } from './gitlab-merge-request-comment.ts';
import { slackCase } from './slack.ts';

/** The cases of all types of provider. */
export const providerCases = [
  alertmanagerCase,
  azureDevOpsCase,
  bitbucketCase,
  bitbucketServerCase,
  genericCase,
  genericHmacCase,
  giteaCase,
  giteaPullRequestCommentCase,
  githubCase,
  githubDispatchCase,
  githubPullRequestCommentCase,
  gitlabCase,
  gitlabMergeRequestCommentCase,
  slackCase,
];
