import { createHash } from 'node:crypto';
import { InvalidResumeToken } from '../domain/subscription.ts';

const CHECKSUM_BYTES = 8;

/** Where a stream was left, as an opaque text. The checksum tells a damaged token from a whole one; it is no secret. */
export function makeResumeToken(kind: string, parts: readonly string[]): string {
  const body = Buffer.from(JSON.stringify([kind, ...parts]));
  return Buffer.concat([checksum(body), body]).toString('base64url');
}

/** The parts of a token of this kind. @throws InvalidResumeToken */
export function readResumeToken(kind: string, token: string, partCount: number): readonly string[] {
  const bytes = Buffer.from(token, 'base64url');
  const body = bytes.subarray(CHECKSUM_BYTES);
  if (bytes.length <= CHECKSUM_BYTES || !checksum(body).equals(bytes.subarray(0, CHECKSUM_BYTES))) {
    throw new InvalidResumeToken();
  }
  const [found, ...parts] = JSON.parse(body.toString()) as string[];
  if (found !== kind || parts.length !== partCount) throw new InvalidResumeToken();
  return parts;
}

function checksum(body: Buffer): Buffer {
  return createHash('sha256').update(body).digest().subarray(0, CHECKSUM_BYTES);
}
