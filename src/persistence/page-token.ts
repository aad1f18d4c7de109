import { hash } from 'node:crypto';
import { InvalidPageToken } from '../domain/subscription.ts';

const DIGEST_LENGTH = 8;

/**
 * An opaque page token: where the next page starts, bound to the filter it was made for, so that a token of another
 * list is refused instead of giving a wrong page.
 */
export function makePageToken(filter: unknown, position: readonly string[]): string {
  return Buffer.from(JSON.stringify([digestOf(filter), ...position])).toString('base64url');
}

/** @throws InvalidPageToken where the token was not made for this filter */
export function readPageToken(filter: unknown, token: string, length: number): string[] | null {
  if (token === '') return null;
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(token, 'base64url').toString());
  } catch {
    throw new InvalidPageToken();
  }
  if (!Array.isArray(parts) || parts.length !== length + 1 || parts.some((part) => typeof part !== 'string')) {
    throw new InvalidPageToken();
  }
  const [digest, ...position] = parts as string[];
  if (digest !== digestOf(filter)) throw new InvalidPageToken();
  return position;
}

function digestOf(filter: unknown): string {
  return hash('sha256', JSON.stringify(filter), 'base64url').slice(0, DIGEST_LENGTH);
}
