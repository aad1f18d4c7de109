import type { Clock } from '../../../src/ports.ts';

/** The time one page has, in milliseconds. */
const PAGE_TIMEOUT_MS = 5_000;

/** Half of the second an HTTP date leaves open, in milliseconds. */
const DATE_ROUNDING_MS = 500;

export type Page =
  | { readonly status: number; readonly body: string; readonly date: string | null }
  | { readonly failure: string };

/** Gets a page of the service; never throws. */
export async function getPage(url: string): Promise<Page> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(PAGE_TIMEOUT_MS) });
    return { status: response.status, body: await response.text(), date: response.headers.get('date') };
  } catch (error) {
    const cause = error instanceof Error ? (error.cause ?? error) : error;
    const why = (cause as NodeJS.ErrnoException).code ?? String(cause);
    return { failure: `${url} does not answer: ${why}` };
  }
}

/** How far ours is ahead of the service's clock in milliseconds, to about a second; null where it does not tell. */
export async function clockOffsetMs(url: string, clock: Clock): Promise<number | null> {
  const before = clock.now();
  const page = await getPage(url);
  const told = 'date' in page && page.date !== null ? Date.parse(page.date) : Number.NaN;
  return Number.isNaN(told) ? null : (before + clock.now()) / 2 - (told + DATE_ROUNDING_MS);
}
