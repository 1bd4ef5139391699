/** What tokens of Azure are for. */
export const azureScopes = {
  devOps: '499b84ac-1321-427f-aa17-267ca6975798/.default',
  storage: 'https://storage.azure.com/.default',
  eventHubs: 'https://eventhubs.azure.net//.default',
  registry: 'https://containerregistry.azure.net/.default',
} as const;
