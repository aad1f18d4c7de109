import { describe, expect, it } from 'vitest';
import { keepLastValuesFilled, type RefillMarks } from '../../src/workers/last-value-refill.ts';
import { eventually } from '../support/nats-side.ts';
import { stockOf, viewOf } from '../support/outbox-rows.ts';

describe('refilling the last values', () => {
  it.each([
    ['made anew', { incarnation: 'b', sequence: 12, values: 3 }, true],
    ['set back', { incarnation: 'a', sequence: 9, values: 3 }, true],
    ['purged', { incarnation: 'a', sequence: 12, values: 0 }, true],
    ['only grown', { incarnation: 'a', sequence: 14, values: 4 }, false],
  ])('happens at first, and when the streams were %s: %o', async (_what, later, isRefilled) => {
    const ending = new AbortController();
    let marks: RefillMarks = { incarnation: 'a', sequence: 10, values: 3 };
    let looks = 0;
    let fills = 0;
    const target = {
      streams: async () => {
        looks += 1;
        return marks;
      },
      fill: async () => {
        fills += 1;
      },
    };
    const stock = stockOf([], new Map([['A', viewOf('A', 1)]]));
    const running = keepLastValuesFilled({ target, stock, checkIntervalMs: 5 }, 1n, ending.signal);
    await eventually('the first looks', async () => looks >= 3);
    expect(fills).toBe(1);
    marks = later;
    const looked = looks;
    await eventually('later looks', async () => looks >= looked + 3);
    ending.abort();
    await running;
    expect(fills).toBe(isRefilled ? 2 : 1);
  });

  it('is tried again after a failure', async () => {
    const ending = new AbortController();
    const failures: unknown[] = [];
    let fills = 0;
    const target = {
      streams: async () => ({ incarnation: 'a', sequence: 1, values: 1 }),
      fill: async () => {
        fills += 1;
        if (fills === 1) throw new Error('NATS is away');
      },
    };
    const report = (event: { kind: string }) => failures.push(event.kind);
    const stock = stockOf([], new Map([['A', viewOf('A', 1)]]));
    const running = keepLastValuesFilled({ target, stock, checkIntervalMs: 5, report }, 1n, ending.signal);
    await eventually('the second try', async () => fills === 2);
    ending.abort();
    await running;
    expect(failures).toEqual(['refill-failed', 'refilled']);
  });
});
