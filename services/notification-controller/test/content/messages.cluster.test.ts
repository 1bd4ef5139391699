import { type Alertmanager, startAlertmanager } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { useWorld } from '../use-world.ts';

const sha = '69b59063470310ebbd88a9156325322a124e55a3';
const metadata = {
  'kustomize.toolkit.fluxcd.io/revision': `main@sha1:${sha}`,
  'facts.sluice.dev/commitAuthor': 'Ada',
  'facts.sluice.dev/commitSubject': 'Add a page',
  'facts.sluice.dev/sourceURL': 'https://github.com/acme/shop',
};

const bed = useWorld();

describe('the message of an alert', () => {
  test('says which commit it is about, in the words of the template', async () => {
    await bed.world.alert({
      provider: { type: 'generic', address: bed.service.url },
      alert: { template: '{{ .Event.Message }} after {{ .Event.Metadata.commitSubject }}' },
    });
    const event = await bed.world.publish({ metadata });
    const { body } = await bed.service.waitFor(({ body }) => body.includes(event.message));
    expect(JSON.parse(body)).toMatchObject({
      message: `${event.message} after Add a page`,
      metadata: {
        commitAuthor: 'Ada',
        commitSubject: 'Add a page',
        commitURL: `https://github.com/acme/shop/commit/${sha}`,
        revision: `main@sha1:${sha}`,
      },
    });
  });

  test('is that of the event where the template is refused, which a Warning tells with the place', async () => {
    const name = await bed.world.alert({
      provider: { type: 'generic', address: bed.service.url },
      alert: { template: 'first line\n{{ .Event.Nope }}' },
    });
    const { message } = await bed.world.failureOf(name, 'InvalidConfig');
    expect(message).toMatch(/^spec\.template: is refused: 2:4: Event has no field Nope/);
    const event = await bed.world.publish();
    const { body } = await bed.service.waitFor(({ body }) => body.includes(event.message));
    expect(JSON.parse(body).message).toMatch(`${event.message}\n(spec.template of the Alert`);
  });
});

describe('Prometheus Alertmanager', () => {
  let alertmanager: Alertmanager;

  beforeAll(async () => {
    alertmanager = await startAlertmanager();
  });
  afterAll(() => alertmanager.stop());

  test('has the commit in the annotations, and the labels of Flux', async () => {
    await bed.world.alert({
      provider: { type: 'alertmanager', address: `${alertmanager.url}/api/v2/alerts/` },
    });
    const event = await bed.world.publish({ severity: 'error', metadata });
    const alert = await alertmanager.waitForAlert(
      ({ annotations }) => annotations['message'] === event.message,
    );
    expect(alert.annotations).toEqual({
      message: event.message,
      commitAuthor: 'Ada',
      commitSubject: 'Add a page',
      commitURL: `https://github.com/acme/shop/commit/${sha}`,
    });
    expect(Object.keys(alert.labels).sort()).toEqual([
      'alertname',
      'kind',
      'name',
      'namespace',
      'reason',
      'reportingcontroller',
      'revision',
      'severity',
    ]);
  });
});
