/** The facade of storage: everything that other rooms may use. */

export { type Endpoint, type QueryOptions, StorageClient } from './client.ts';
export { DirectoryLockedError } from './engine/lock.ts';
export { isTransient, StorageError } from './errors.ts';
export { openStorage, type Storage, type StorageOptions } from './open.ts';
export { type ScopedClient, type TenantScope, tenantScope } from './scope.ts';
