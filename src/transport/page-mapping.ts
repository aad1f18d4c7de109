import type { PageRequest } from '../ports.ts';

/** Rows on a page when the caller names no number. */
const DEFAULT_PAGE_SIZE = 50;

/** Which page a list request asks for; validation bounds the size at 500. */
export function toPageRequest(request: { readonly pageSize: number; readonly pageToken: string }): PageRequest {
  return { size: request.pageSize === 0 ? DEFAULT_PAGE_SIZE : request.pageSize, token: request.pageToken };
}
