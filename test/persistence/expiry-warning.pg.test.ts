import { randomUUID } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { reservationMessages } from '../../adapters/nats/reservation-messages.ts';
import { createDueReader } from '../../src/persistence/due-reader.ts';
import { createOutbox } from '../../src/persistence/outbox.ts';
import { expireDue } from '../../src/use-cases/expire-due.ts';
import { extendReservation } from '../../src/use-cases/resolve.ts';
import { warnExpiring } from '../../src/use-cases/warn-expiring.ts';
import { startExpiryWarning } from '../../src/workers/expiry-warning.ts';
import { DAY_MS, HOUR_MS } from '../support/arbitraries.ts';
import { putDraft } from '../support/rules.ts';
import {
  CALL,
  CONTENT_HASH,
  madeReservation,
  reserveInput,
  reserveOne,
  type TestService,
} from '../support/test-service.ts';
import { openTwoServices, type TwoServices } from '../support/two-services.ts';

const NOW = Date.UTC(2030, 0, 1);

let services: TwoServices;
let one: TestService;
let two: TestService;

beforeEach(async () => {
  services = await openTwoServices('expiry_warning', ['A'], 500);
  ({ one, two } = services);
  await services.setClock(NOW);
});

afterEach(() => services.close());

const at = (now: number) => services.setClock(now);
const signal = AbortSignal.timeout(60_000);
const unwarned = (service: TestService) => createDueReader(service.database.pool).unwarnedReservations(100);

async function reserved(changes: Parameters<typeof reserveInput>[1] = {}) {
  return madeReservation(await reserveOne(one, reserveInput([{ sku: 'A' }], changes)));
}

/** Looks once and warns, as the worker of a process does. */
async function warn(service: TestService): Promise<number> {
  return warnExpiring(service, await unwarned(service), signal);
}

/** How often each reservation was warned of, by its events and by its messages. */
async function warnings(): Promise<Record<string, number>> {
  const { rows } = await one.database.pool.query<{ id: string; events: number; messages: number }>(
    `select e.reservation_id as id, count(*)::int as events, count(o.outbox_id)::int as messages from audit_event e
      left join outbox o on o.topic = 'reservation' and o.key = e.reservation_id::text and o.version = e.version
      where e.kind = 'expiring-soon' group by 1`,
  );
  for (const row of rows) expect(row.messages).toBe(row.events);
  return Object.fromEntries(rows.map((row) => [row.id, row.events]));
}

describe('a warning', () => {
  test('is sent once, whichever of two processes looks, and again once the deadline was moved', async () => {
    const all = await Promise.all(Array.from({ length: 30 }, () => reserved()));
    const once = Object.fromEntries(all.map(({ reservationId }) => [reservationId, 1]));
    await at(NOW + 13 * DAY_MS - 1);
    expect(await unwarned(two)).toEqual([]);
    await at(NOW + 13 * DAY_MS);
    const ids = await unwarned(one);
    expect([...ids].sort()).toEqual(Object.keys(once).sort());
    const sent = await Promise.all([one, two, one, two].map((service) => warnExpiring(service, ids, signal)));
    expect(sent.reduce((sum, count) => sum + count, 0)).toBe(30);
    expect(await warnings()).toEqual(once);
    expect(await unwarned(one)).toEqual([]);
    expect(await warnExpiring(two, ids, signal)).toBe(0);
    const moved = all[0]?.reservationId ?? '';
    const key = { requestId: randomUUID(), contentHash: CONTENT_HASH };
    const target = { by: 'reservation', id: moved } as const;
    await extendReservation(one, { ...key, target, etag: '', expireAt: NOW + 20 * DAY_MS }, CALL);
    expect(await unwarned(one)).toEqual([]);
    await at(NOW + 19 * DAY_MS);
    await expireDue(one, Object.keys(once), signal);
    expect(await warn(two)).toBe(1);
    expect(await warnings()).toEqual({ ...once, [moved]: 2 });
  });

  test('comes when the rules say by which a reservation was decided, and never without one', async () => {
    const first = await reserved();
    await putDraft(one, 1, { expiryWarningMs: 2 * HOUR_MS });
    const second = await reserved();
    await putDraft(one, 2, { expiryWarningMs: 0 });
    const third = await reserved();
    await putDraft(one, 3, { expiryWarningMs: 40 * DAY_MS });
    const never = await reserved();
    expect(await warn(one)).toBe(0);
    await at(NOW + 13 * DAY_MS);
    expect(await unwarned(one)).toEqual([first.reservationId]);
    await warn(one);
    await at(NOW + 14 * DAY_MS - 2 * HOUR_MS);
    expect(await unwarned(two)).toEqual([second.reservationId]);
    await warn(two);
    await at(NOW + 14 * DAY_MS - 1);
    expect(await warn(one)).toBe(0);
    const told = await warnings();
    expect([third.reservationId, never.reservationId].filter((id) => told[id] !== undefined)).toEqual([]);
  });

  test('is told to channels and portals at a subject of its own, and to no warehouse', async () => {
    const { reservationId, trackingId, expireAt } = await reserved();
    await at(NOW + 13 * DAY_MS);
    await warn(one);
    const stock = { readPools: async () => [] } as never;
    const lease = await createOutbox(one.database.pool, stock).lead(1);
    const rows = (await lease?.claim(100)) ?? [];
    await lease?.release();
    const context = { wmsOf: () => 'sim', epoch: 1n, traceparent: '', refill: '' };
    const messages = rows.flatMap((row) =>
      row.topic === 'reservation' && row.version === 2 ? reservationMessages(row, context) : [],
    );
    expect(messages.map(({ subject, messageId }) => [subject, messageId])).toEqual([
      [`earmark.v1.event.expiring-soon.${trackingId}`, `r:${reservationId}:2:expiring-soon`],
    ]);
    const told = JSON.parse(Buffer.from(messages[0]?.payload ?? []).toString());
    expect(told).toMatchObject({
      trackingId,
      version: '2',
      expireTime: new Date(expireAt).toISOString().replace('.000', ''),
      customerMessage: expect.stringContaining(new Date(expireAt).toISOString()),
      staffMessage: `The reservation expires at ${new Date(expireAt).toISOString()}.`,
    });
    expect(JSON.stringify([told.customerMessage, told.staffMessage])).not.toContain('customer-1');
  });

  test('is sent by the worker, by the clock of the database', async () => {
    const { reservationId } = await reserved();
    await at(NOW + 13 * DAY_MS);
    const looked = Promise.withResolvers<void>();
    let pauses = 0;
    const worker = startExpiryWarning({
      due: createDueReader(one.database.pool),
      unitOfWork: one.unitOfWork,
      pause: async () => {
        pauses += 1;
        if (pauses === 2) looked.resolve();
        await nextTurn();
      },
      onFailure: (error) => looked.reject(error),
    });
    await looked.promise;
    await worker.stop();
    expect(await warnings()).toEqual({ [reservationId]: 1 });
  });
});
