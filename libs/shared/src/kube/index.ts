export * from './client-exports.ts';
export * from './engine-exports.ts';
