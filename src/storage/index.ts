/** The facade of storage: everything that other rooms may use. */

export { type Endpoint, type QueryOptions, StorageClient } from './client.ts';
export { type Document, DocumentConflictError, type DocumentStore } from './documents.ts';
export { DirectoryLockedError } from './engine/lock.ts';
export { isTransient, StorageError } from './errors.ts';
export { NO_METRICS, STORAGE_METRICS, type StorageMetrics } from './metrics.ts';
export {
  openStorage,
  type Storage,
  type StorageOptions,
  type StorageStatus,
  type TableStatistics,
} from './open.ts';
export { KEEP_ALL, type Retention, type RetentionPeriod, type Signal } from './retention.ts';
export { type ScopedClient, type TenantScope, tenantScope } from './scope.ts';
