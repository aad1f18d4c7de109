import type { Target } from './working-set.ts';

/** Thrown where a page token was not made by the same list with the same filter. */
export class InvalidPageToken extends Error {
  override name = 'InvalidPageToken';
}

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
