export { type LocalImagesOptions, localImages, type PodImage, repositoryName } from './image.ts';
export { type PodNode, type PodNodeOptions, startPodNode } from './node.ts';
export { podsCannotRun } from './requirements.ts';
export type { RunningPod } from './running-pod.ts';
export type { Pod } from './types.ts';
