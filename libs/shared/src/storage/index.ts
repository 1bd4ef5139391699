// What services have in common that store artifacts and serve them.
export { createStorage, type ServedStorage, type Storage } from './storage.ts';
export {
  type StorageEnvironment,
  type StorageFlags,
  storageEnvironment,
  storageFlags,
} from './storage-flags.ts';
