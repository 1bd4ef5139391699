import type { Alert, FluxEvent } from '@sluice/shared/api';
import type { FilterProblem } from '../event/message-filter.ts';
import { compileTemplate } from '../template/compile-template.ts';
import { templatedUrl } from './commit-link.ts';
import { isTemplateProblem } from './render-message.ts';
import { templateData } from './template-data.ts';

/** Some event, to try templates with. */
const sample: FluxEvent = {
  involvedObject: {
    apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
    kind: 'Kustomization',
    namespace: 'apps',
    name: 'web',
  },
  severity: 'error',
  timestamp: '2026-01-01T00:00:00Z',
  message: 'a message',
  reason: 'ReconciliationFailed',
  reportingController: 'kustomize-controller',
};
/** Which metadata events will have is not known: no template is to blame for naming some. */
class AnyKey extends Map<string, string> {
  override get(key: string): string {
    return key;
  }
}

const sampleCommit = { repository: 'https://git.example.com/team/app', sha: '0'.repeat(40) };

/** Finds what is wrong with the templates of an Alert, by carrying them out. */
export function templateProblems({ spec, metadata }: Alert): FilterProblem[] {
  const { template, commitURLTemplate } = spec;
  return [
    ...problemOf('spec.template', () => {
      if (template) compileTemplate(template).render(templateData(sample, metadata, new AnyKey()));
      return undefined;
    }),
    ...problemOf('spec.commitURLTemplate', () => {
      if (!commitURLTemplate || templatedUrl(commitURLTemplate, sampleCommit)) return undefined;
      return 'makes no address of a web page: begin it with {{ .Repository }} or https://';
    }),
  ];
}

function problemOf(field: string, check: () => string | undefined): FilterProblem[] {
  try {
    const problem = check();
    return problem ? [{ field, problem }] : [];
  } catch (error) {
    if (!isTemplateProblem(error)) throw error;
    return [{ field, problem: `is refused: ${error.message}` }];
  }
}
