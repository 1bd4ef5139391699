/** What tokens of Azure are for. */
export const azureScopes = {
  devOps: '499b84ac-1321-427f-aa17-267ca6975798/.default',
  storage: 'https://storage.azure.com/.default',
  eventHubs: 'https://eventhubs.azure.net//.default',
  registry: 'https://containerregistry.azure.net/.default',
  /** API servers of clusters. */
  clusters: '6dae42f8-4368-4678-94ff-3960e28e3630/.default',
} as const;
