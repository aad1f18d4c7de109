import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { NOTIFICATION_KINDS, type Notification } from '../../src/domain/notification.ts';
import type { Reservation } from '../../src/domain/reservation.ts';
import { createNotifications, NOTIFICATION_RETENTION_MS } from '../../src/persistence/notifications.ts';
import type { NotificationFilter } from '../../src/ports/notifications.ts';
import type { Outcome } from '../../src/ports.ts';
import { acknowledgeNotification } from '../../src/use-cases/acknowledge-notification.ts';
import { expireDue } from '../../src/use-cases/expire-due.ts';
import { releaseReservation } from '../../src/use-cases/resolve.ts';
import { applyWarehouseMessage, type PickEvent, type WarehouseMessage } from '../../src/use-cases/warehouse-message.ts';
import { DAY_MS } from '../support/arbitraries.ts';
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
const NEVER = new AbortController().signal;
const NO_FILTER: NotificationFilter = { kinds: [], trackingId: '', exchangeId: '', includeAcknowledged: false };

let services: TwoServices;
let one: TestService;
let two: TestService;

beforeEach(async () => {
  services = await openTwoServices('notifications', ['A'], 500);
  ({ one, two } = services);
  await services.setClock(NOW);
});

afterEach(() => services.close());

const notifications = () => createNotifications(one.database.pool);

async function listed(filter: Partial<NotificationFilter> = {}, size = 2): Promise<Notification[]> {
  const rows: Notification[] = [];
  let token = '';
  do {
    const page = await notifications().list({ ...NO_FILTER, ...filter }, { size, token });
    expect(page.rows.length).toBeLessThanOrEqual(size);
    rows.push(...page.rows);
    token = page.nextPageToken;
  } while (token !== '');
  return rows;
}

async function reserved(quantity = 1, holdWindowMs: number | null = null): Promise<Reservation> {
  return madeReservation(await reserveOne(one, reserveInput([{ sku: 'A', quantity }], { holdWindowMs })));
}

const release = (service: TestService, { reservationId }: Reservation) =>
  releaseReservation(
    service,
    {
      requestId: randomUUID(),
      contentHash: CONTENT_HASH,
      target: { by: 'reservation', id: reservationId },
      etag: '',
      reason: 'CANCELLED',
      note: '',
    },
    CALL,
  );

function tell(service: TestService, { trackingId }: Reservation, event: PickEvent, quantity = 0) {
  const message: WarehouseMessage = {
    wms: 'sim',
    messageId: randomUUID(),
    contentHash: CONTENT_HASH,
    warehouse: 'W1',
    occurredAt: NOW,
    trace: null,
    event,
    trackingId,
    lines: quantity === 0 ? [] : [{ lineNumber: 1, sku: 'A', quantity }],
    code: '',
  };
  return applyWarehouseMessage(service, message, NEVER);
}

const acknowledge = (service: TestService, notificationId: string, requestId: string = randomUUID(), who = 'clerk') =>
  acknowledgeNotification(
    service,
    { requestId, contentHash: CONTENT_HASH, notificationId },
    { ...CALL, caller: { ...CALL.caller, principal: who } },
  );

function seen(outcome: Outcome): Notification {
  if (!outcome.ok || outcome.answer.kind !== 'notification') throw new TypeError(JSON.stringify(outcome));
  return outcome.answer.notification;
}

describe('R7: a deadline that passes in preparation', () => {
  test('is told to staff once, however many sweeps of two processes find it', async () => {
    const reservation = await reserved(1, 60_000);
    await tell(one, reservation, 'pick-started');
    await services.setClock(NOW + 61_000);
    const sweep = (service: TestService) => expireDue(service, [reservation.reservationId], NEVER);
    await Promise.all([one, two, one, two].map(sweep));
    await services.setClock(NOW + 20 * DAY_MS);
    await Promise.all([one, two].map(sweep));
    const told = await listed();
    expect(told).toEqual([
      expect.objectContaining({
        kind: 'LATE_PICK',
        trackingId: reservation.trackingId,
        exchangeId: reservation.exchangeId,
        createdAt: NOW + 61_000,
        facts: { state: 'PREPARING', expire_time: new Date(NOW + 61_000 + 14 * DAY_MS).toISOString() },
        acknowledgedAt: null,
      }),
    ]);
  });
});

describe('I19: of one reservation and kind there is one notification', () => {
  test('whoever ends it and however often', async () => {
    const made = await Promise.all(Array.from({ length: 10 }, () => reserved()));
    await Promise.all(made.flatMap((reservation) => [release(one, reservation), release(two, reservation)]));
    const told = await listed();
    expect(told.map((one) => one.kind)).toEqual(made.map(() => 'RELEASED'));
    expect(new Set(told.map((one) => one.reservationId)).size).toBe(made.length);
  });

  test('also where its cause comes again: two shipments too small, two picks too late', async () => {
    const shipped = await reserved(5);
    for (const quantity of [1, 2]) await tell(one, shipped, 'shipment-confirmed', quantity);
    const ended = await reserved(2);
    await release(one, ended);
    for (const service of [one, two]) await tell(service, ended, 'pick-confirmed');
    const told = await listed();
    expect(told.map(({ kind, facts }) => [kind, facts])).toEqual([
      ['RETURN_TO_STOCK', { event: 'pick-confirmed', warehouse: 'W1', units: '2', state: 'RELEASED' }],
      ['RELEASED', { units: '2', state: 'RESERVED', release_reason: 'CANCELLED' }],
      ['INCOMPLETE', { warehouse: 'W1', shipped: '1', units: '4' }],
    ]);
  });

  test('the database refuses a second row', async () => {
    const reservation = await reserved();
    await release(one, reservation);
    const again = `insert into notification (notification_id, reservation_id, kind, facts, create_time)
      select gen_random_uuid(), reservation_id, kind, facts, create_time from notification`;
    await expect(one.database.pool.query(again)).rejects.toMatchObject({ constraint: 'notification_once' });
  });

  test('nothing is told of what was refused or rolled back', async () => {
    const reservation = await reserved();
    await release(one, reservation);
    await tell(one, reservation, 'pick-started');
    const before = await listed();
    expect((await acknowledge(one, randomUUID())).ok).toBe(false);
    expect(await listed()).toEqual(before);
  });
});

describe('an acknowledgement', () => {
  test('keeps who saw it first and when, also against a later one', async () => {
    const reservation = await reserved();
    await release(one, reservation);
    const [told] = await listed();
    const id = told?.notificationId ?? '';
    await services.setClock(NOW + 1_000);
    const requestId = randomUUID();
    const first = await acknowledge(one, id.toUpperCase(), requestId);
    expect(seen(first)).toEqual({ ...told, acknowledgedAt: NOW + 1_000, acknowledgedBy: 'clerk' });
    await services.setClock(NOW + 2_000);
    const second = await acknowledge(two, id, randomUUID(), 'other');
    expect(seen(second)).toEqual(seen(first));
    const replayed = await acknowledge(two, id, requestId);
    expect(replayed).toEqual({ ...first, replayed: true });
    expect(await listed()).toEqual([]);
    expect(await listed({ includeAcknowledged: true })).toEqual([seen(first)]);
  });

  test('of one notification by many at once has one winner', async () => {
    await release(one, await reserved());
    const [told] = await listed();
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        acknowledge(at % 2 === 0 ? one : two, told?.notificationId ?? '', randomUUID(), `clerk-${at}`),
      ),
    );
    expect(new Set(outcomes.map((outcome) => seen(outcome).acknowledgedBy)).size).toBe(1);
  });

  test('of what nobody knows is refused', async () => {
    for (const id of [randomUUID(), 'no-id-at-all']) {
      const outcome = await acknowledge(one, id);
      expect(outcome.ok ? 'ok' : outcome.refusal.reason).toBe('UNKNOWN_NOTIFICATION');
    }
  });
});

describe('a list of notifications', () => {
  test('has the newest first in pages, by kind, reservation and exchange', async () => {
    const made = await Promise.all(Array.from({ length: 5 }, () => reserved(1, 60_000)));
    for (const reservation of made.slice(0, 3)) await release(one, reservation);
    await services.setClock(NOW + 61_000);
    await expireDue(
      one,
      made.map((reservation) => reservation.reservationId),
      NEVER,
    );
    const all = await listed();
    expect(all.map((told) => told.kind)).toEqual(['EXPIRED', 'EXPIRED', 'RELEASED', 'RELEASED', 'RELEASED']);
    expect(all.map((told) => told.notificationId)).toEqual(
      all
        .map((told) => told.notificationId)
        .toSorted()
        .reverse(),
    );
    expect(await listed({ kinds: ['EXPIRED'] })).toEqual(all.slice(0, 2));
    expect(await listed({ kinds: ['LATE_PICK', 'RELEASED'] })).toEqual(all.slice(2));
    const [released] = all.slice(2);
    expect(await listed({ trackingId: released?.trackingId ?? '' })).toEqual([released]);
    expect(await listed({ exchangeId: released?.exchangeId ?? '', kinds: ['EXPIRED'] })).toEqual([]);
    await acknowledge(one, released?.notificationId ?? '');
    expect(await listed()).toHaveLength(4);
    const everything = await listed({ includeAcknowledged: true });
    expect(everything.map((told) => told.notificationId)).toEqual(all.map((told) => told.notificationId));
  });

  test('costs the same however many there are: each kind is one walk along an index', async () => {
    await one.database.pool.query(
      `insert into notification (notification_id, reservation_id, kind, facts, create_time, acknowledge_time, acknowledged_by)
       select uuidv7(), gen_random_uuid(), (array['${NOTIFICATION_KINDS.join("','")}'])[1 + n % 8], '{}', clock_timestamp(),
         case when n % 10 < 9 then clock_timestamp() end, case when n % 10 < 9 then 'clerk' else '' end
       from generate_series(1, 40000) n`,
    );
    await one.database.pool.query('analyze notification');
    const { rows } = await one.database.pool.query<{ 'QUERY PLAN': string }>(
      `explain (analyze, costs off, timing off, summary off) select * from unnest($1::text[]) as wanted (kind)
       cross join lateral (select * from notification o where o.kind = wanted.kind
         and o.notification_id < 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid and o.acknowledge_time is null
         order by o.notification_id desc limit 51) f order by f.notification_id desc limit 51`,
      [NOTIFICATION_KINDS],
    );
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
    expect(plan).toContain('Backward using notification_open');
    await one.database.pool.query('truncate notification');
  });
});

test('what is older than 90 days is forgotten, what is younger stays', async () => {
  const plant = (age: number) =>
    one.database.pool.query(
      `insert into notification (notification_id, reservation_id, kind, facts, create_time)
       select uuidv7(-age), gen_random_uuid(), 'RELEASED', '{}', clock_timestamp() - age
       from make_interval(secs => $1::float8 / 1000) as age`,
      [age],
    );
  await plant(NOTIFICATION_RETENTION_MS + 60_000);
  await plant(NOTIFICATION_RETENTION_MS + 30_000);
  await plant(NOTIFICATION_RETENTION_MS - 60_000);
  const forgotten = [];
  for (let time = 0; time < 3; time += 1) forgotten.push(await notifications().prune(NOTIFICATION_RETENTION_MS, 1));
  expect(forgotten).toEqual([1, 1, 0]);
  const { rowCount } = await one.database.pool.query('delete from notification');
  expect(rowCount).toBe(1);
});
