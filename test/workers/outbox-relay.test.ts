import { afterEach, describe, expect, it } from 'vitest';
import type { MessagePublisher, Outbox, OutboxRow, RelayLease } from '../../src/ports.ts';
import { type OutboxRelay, type RelayEvent, startOutboxRelay } from '../../src/workers/outbox-relay.ts';
import { eventually } from '../support/nats-side.ts';
import { poolRow } from '../support/outbox-rows.ts';

/** An outbox in memory that keeps its rows by status, as the table does. */
function memoryOutbox() {
  const rows = new Map<bigint, OutboxRow>();
  const log: string[] = [];
  let epoch = 0n;
  let holder: symbol | null = null;
  let claims = 0;
  const outbox: Outbox = {
    lead: async () => {
      if (holder !== null) return null;
      const me = Symbol('holder');
      holder = me;
      epoch += 1n;
      const lease: RelayLease = {
        epoch,
        claim: async (limit) => {
          claims += 1;
          return [...rows.values()].slice(0, limit);
        },
        markPublished: async (ids) => {
          log.push(`mark ${ids.join(' ')}`);
          for (const id of ids) rows.delete(id);
        },
        isHeld: async () => holder === me,
        release: async () => {
          if (holder === me) holder = null;
        },
      };
      return lease;
    },
    backlog: async () => ({ rows: rows.size, oldestAgeMs: 0 }),
    prune: async () => 0,
  };
  return {
    outbox,
    log,
    add: (...added: OutboxRow[]) => added.map((row) => rows.set(row.outboxId, row) && row.outboxId),
    size: () => rows.size,
    claims: () => claims,
    /** Another process takes the lease over. */
    usurp: () => {
      holder = Symbol('usurper');
    },
    free: () => {
      holder = null;
    },
  };
}

function row(outboxId: bigint): OutboxRow {
  return { ...poolRow(`SKU-${outboxId}`, 1), outboxId };
}

let relay: OutboxRelay | null = null;
afterEach(async () => {
  await relay?.stop();
  relay = null;
});

function start(outbox: Outbox, publish: MessagePublisher['publish']): RelayEvent[] {
  const events: RelayEvent[] = [];
  relay = startOutboxRelay({ outbox, publisher: { publish }, report: (event) => events.push(event) });
  return events;
}

describe('the outbox relay', () => {
  it('marks rows after they were acknowledged, and only those', async () => {
    const memory = memoryOutbox();
    memory.add(row(1n), row(2n), row(3n));
    let isStuck = true;
    start(memory.outbox, async (rows) => {
      memory.log.push(`publish ${rows.map(({ outboxId }) => outboxId).join(' ')}`);
      return rows.map(({ outboxId }) => outboxId).filter((id) => !isStuck || id !== 2n);
    });
    await eventually('the first mark', async () => memory.size() === 1);
    expect(memory.log.slice(0, 2)).toEqual(['publish 1 2 3', 'mark 1 3']);
    isStuck = false;
    await eventually('the rest', async () => memory.size() === 0);
    expect(memory.log.at(-1)).toBe('mark 2');
  });

  it('finds a row that was committed late with a lower number', async () => {
    const memory = memoryOutbox();
    memory.add(row(10n));
    start(memory.outbox, async (rows) => rows.map(({ outboxId }) => outboxId));
    await eventually('the first', async () => memory.size() === 0);
    memory.add(row(5n));
    relay?.wake();
    await eventually('the late one', async () => memory.size() === 0);
    expect(memory.log).toEqual(['mark 10', 'mark 5']);
  });

  it('is woken by a commit instead of waiting for the next look', async () => {
    const memory = memoryOutbox();
    let published = 0;
    start(memory.outbox, async (rows) => {
      published += rows.length;
      return rows.map(({ outboxId }) => outboxId);
    });
    await eventually('the longest pause between looks', async () => memory.claims() === 4);
    const startedAt = performance.now();
    memory.add(row(1n));
    relay?.wake();
    await eventually('the row', async () => published === 1);
    expect(performance.now() - startedAt).toBeLessThan(150);
  });

  it('outlives a publisher that throws and an outbox that is away', async () => {
    const memory = memoryOutbox();
    memory.add(row(1n));
    let attempts = 0;
    const events = start(
      {
        ...memory.outbox,
        lead: (shard) => {
          attempts += 1;
          return attempts === 1 ? Promise.reject(new Error('database away')) : memory.outbox.lead(shard);
        },
      },
      async (rows) => {
        attempts += 1;
        if (attempts < 4) throw new Error('nats away');
        return rows.map(({ outboxId }) => outboxId);
      },
    );
    await eventually('the row', async () => memory.size() === 0);
    expect(events.filter((event) => event.kind === 'failed').map((event) => String(event.error))).toEqual([
      'Error: database away',
      'Error: nats away',
    ]);
  });

  it('stops publishing and marks nothing once its lease is lost', async () => {
    const memory = memoryOutbox();
    memory.add(row(1n));
    let aborted = false;
    const events = start(memory.outbox, (rows, _epoch, signal) => {
      memory.usurp();
      return new Promise((resolve) => {
        signal.addEventListener('abort', () => {
          aborted = true;
          resolve(rows.map(({ outboxId }) => outboxId));
        });
      });
    });
    await eventually('the loss', async () => events.some((event) => event.kind === 'lost-lease'));
    expect(aborted).toBe(true);
    expect(memory.log).toEqual([]);
    expect(memory.size()).toBe(1);
  });

  it('leads again under a higher epoch', async () => {
    const memory = memoryOutbox();
    const epochs: bigint[] = [];
    const events = start(memory.outbox, async (rows, epoch) => {
      epochs.push(epoch);
      return rows.map(({ outboxId }) => outboxId);
    });
    memory.add(row(1n));
    await eventually('the first', async () => memory.size() === 0);
    memory.usurp();
    await eventually('the loss', async () => events.some((event) => event.kind === 'lost-lease'));
    memory.free();
    memory.add(row(2n));
    await eventually('the second', async () => memory.size() === 0);
    expect(epochs).toEqual([1n, 2n]);
  });

  it('finishes the batch in hand when it is stopped', async () => {
    const memory = memoryOutbox();
    memory.add(row(1n));
    let finish: () => void = () => undefined;
    start(memory.outbox, async (rows) => {
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
      return rows.map(({ outboxId }) => outboxId);
    });
    const begun = finish;
    await eventually('the publish', async () => finish !== begun);
    const stopped = relay?.stop();
    finish();
    await stopped;
    expect(memory.log).toEqual(['mark 1']);
  });
});
