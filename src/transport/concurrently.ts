/**
 * Runs work for each item as it comes, at most `limit` at a time, and yields the results as they finish. A result that
 * nobody takes keeps its place, so a slow reader slows its own writer and nothing else.
 */
export async function* concurrently<Item, Result>(
  items: AsyncIterable<Item>,
  limit: number,
  signal: AbortSignal,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  const finished: Result[] = [];
  let places = limit;
  let running = 0;
  let reading = true;
  let failure: { readonly error: unknown } | null = null;
  let wakeWriter = () => {};
  let wakeReader = () => {};

  const finish = (error: unknown) => {
    failure ??= { error };
    wakeWriter();
    wakeReader();
  };
  const pump = async () => {
    for await (const item of items) {
      while (places === 0 && failure === null) await new Promise<void>((resolve) => (wakeReader = resolve));
      if (failure !== null) return;
      places -= 1;
      running += 1;
      void work(item).then(
        (result) => {
          running -= 1;
          finished.push(result);
          wakeWriter();
        },
        (error: unknown) => finish(error),
      );
    }
    reading = false;
    wakeWriter();
  };

  const onAbort = () => finish(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  pump().catch(finish);
  try {
    for (;;) {
      const result = finished.shift();
      if (result !== undefined) {
        yield result;
        places += 1;
        wakeReader();
        continue;
      }
      const failed = failure as { readonly error: unknown } | null;
      if (failed !== null) throw failed.error;
      if (!reading && running === 0) return;
      await new Promise<void>((resolve) => (wakeWriter = resolve));
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    finish(new Error('nobody reads the answers any more'));
  }
}
