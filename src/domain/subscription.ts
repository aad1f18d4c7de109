import type { Target } from './working-set.ts';

/** Thrown for a resume token that this service did not make. */
export class InvalidResumeToken extends Error {
  override name = 'InvalidResumeToken';
}

/** Thrown where a target names no reservation. */
export class UnknownTarget extends Error {
  override name = 'UnknownTarget';
  readonly target: Target;

  constructor(target: Target) {
    super('there is no such reservation');
    this.target = target;
  }
}
