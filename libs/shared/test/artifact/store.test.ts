import { describeStorage } from './storage-behaviour.ts';

describeStorage('on the disk', () => undefined);
