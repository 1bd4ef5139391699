/**
 * Every subject that the JetStream of a NATS server listens to, with `{stream}` and `{consumer}` as places.
 *
 * @see https://docs.nats.io/reference/reference-protocols/nats_api_reference
 */
const subjects = [
  '$JS.API.INFO',
  '$JS.API.ACCOUNT.PURGE.$G',
  '$JS.API.ACCOUNT.STREAM.MOVE.$G.{stream}',
  '$JS.API.ACCOUNT.STREAM.CANCEL_MOVE.$G.{stream}',
  '$JS.API.CONSUMER.CREATE.{stream}',
  '$JS.API.CONSUMER.CREATE.{stream}.{consumer}',
  '$JS.API.CONSUMER.CREATE.{stream}.{consumer}.sluice.event.info',
  '$JS.API.CONSUMER.CREATE.{stream}.{consumer}.sluice.delivery.apps.chat',
  '$JS.API.CONSUMER.CREATE.{stream}.{consumer}.sluice.delivered.apps.all.key',
  '$JS.API.CONSUMER.CREATE.{stream}.{consumer}.sluice.alerting.apps.all.incident.key',
  '$JS.API.CONSUMER.CREATE.{stream}.{consumer}.$O.sluice-artifacts.C.x',
  '$JS.API.CONSUMER.DELETE.{stream}.{consumer}',
  '$JS.API.CONSUMER.DURABLE.CREATE.{stream}.{consumer}',
  '$JS.API.CONSUMER.INFO.{stream}.{consumer}',
  '$JS.API.CONSUMER.LEADER.STEPDOWN.{stream}.{consumer}',
  '$JS.API.CONSUMER.LIST.{stream}',
  '$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}',
  '$JS.API.CONSUMER.NAMES.{stream}',
  '$JS.API.CONSUMER.PAUSE.{stream}.{consumer}',
  '$JS.API.CONSUMER.PEER.EVACUATE.{stream}.{consumer}',
  '$JS.API.CONSUMER.PEER.REMOVE.{stream}.{consumer}',
  '$JS.API.CONSUMER.RESET.{stream}.{consumer}',
  '$JS.API.CONSUMER.UNPIN.{stream}.{consumer}',
  '$JS.API.DIRECT.GET.{stream}',
  '$JS.API.DIRECT.GET.{stream}.sluice.delivered.apps.all.key',
  '$JS.API.DIRECT.GET.{stream}.$O.sluice-artifacts.M.x',
  '$JS.API.META.LEADER.STEPDOWN',
  '$JS.API.META.RESCUE',
  '$JS.API.SERVER.EVACUATE',
  '$JS.API.SERVER.REMOVE',
  '$JS.API.STREAM.CANCEL_MOVE.{stream}',
  '$JS.API.STREAM.CREATE.{stream}',
  '$JS.API.STREAM.DELETE.{stream}',
  '$JS.API.STREAM.INFO.{stream}',
  '$JS.API.STREAM.LEADER.STEPDOWN.{stream}',
  '$JS.API.STREAM.LIST',
  '$JS.API.STREAM.MSG.DELETE.{stream}',
  '$JS.API.STREAM.MSG.GET.{stream}',
  '$JS.API.STREAM.NAMES',
  '$JS.API.STREAM.PEER.EVACUATE.{stream}',
  '$JS.API.STREAM.PEER.REMOVE.{stream}',
  '$JS.API.STREAM.PURGE.{stream}',
  '$JS.API.STREAM.RESTORE.{stream}',
  '$JS.API.STREAM.SNAPSHOT.{stream}',
  '$JS.API.STREAM.TEMPLATE.CREATE.{stream}',
  '$JS.API.STREAM.TEMPLATE.DELETE.{stream}',
  '$JS.API.STREAM.UPDATE.{stream}',
  '$JS.ACK.{stream}.{consumer}.1.1.1.1.1',
  '$JS.FC.{stream}.{consumer}.x',
  '$JS.SNAPSHOT.ACK.{stream}.x',
  '$JS.SNAPSHOT.RESTORE.{stream}.x',
  '$JS.EVENT.ADVISORY.API',
  '$JS.domain.API.STREAM.UPDATE.{stream}',
  '$JSC.SYNC.{stream}',
  '$KV.bucket.key',
  '$O.bucket.C.x',
  '$O.sluice-artifacts.C.x',
  '$O.sluice-artifacts.M.x',
  '$SRV.PING',
  '$SYS.REQ.SERVER.PING',
  '$NRG.AE.x.y',
];

/** The subjects of all verbs, with every stream and consumer in their places. */
export function verbsOf(streams: readonly string[], consumers: readonly string[]): string[] {
  const filled = subjects.flatMap((subject) =>
    streams.flatMap((stream) =>
      consumers.map((consumer) =>
        subject.replace('{stream}', stream).replace('{consumer}', consumer),
      ),
    ),
  );
  return [...new Set(filled)].sort();
}
