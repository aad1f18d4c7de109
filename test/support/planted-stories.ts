import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import type pg from 'pg';
import type { ActorType } from '../../src/domain/caller.ts';
import type { ReleaseReason, Reservation, ReservationState } from '../../src/domain/reservation.ts';
import type { TransitionKind } from '../../src/domain/transition.ts';
import { hashEvent, NO_HASH, writeEventBody } from '../../src/persistence/event-body.ts';
import { aLine, anAllocation, aReservation, SKUS, T0, WAREHOUSES } from './arbitraries.ts';
import { waiting } from './waiters.ts';

/** One event of a planted reservation. */
export interface PlantedEvent {
  readonly kind: TransitionKind;
  readonly state: ReservationState;
  /** Milliseconds since the event before. */
  readonly afterMs: number;
  readonly actor: string;
  readonly actorType: ActorType;
  /** Written as events were before their bytes were stored. */
  readonly isFirstForm: boolean;
}

export interface Story {
  readonly startsAt: number;
  readonly channel: string;
  readonly orderId: string;
  /** One line for each, held in the warehouse of the same place. */
  readonly skus: readonly string[];
  readonly warehouses: readonly string[];
  readonly releaseReason: ReleaseReason;
  readonly events: readonly PlantedEvent[];
}

const HOUR_MS = 3_600_000;

type Step = readonly [TransitionKind, ReservationState];

/** What may follow, by the state before: everything the life cycle allows, by every kind that may tell of it. */
const NEXT: Readonly<Record<string, readonly Step[]>> = {
  '': [
    ['reserved', 'RESERVED'],
    ['waitlisted', 'WAITLISTED'],
  ],
  WAITLISTED: [
    ['changed', 'WAITLISTED'],
    ['extended', 'WAITLISTED'],
    ['reserved', 'RESERVED'],
    ['changed', 'RESERVED'],
    ['preparing', 'PREPARING'],
    ['released', 'RELEASED'],
    ['expired', 'EXPIRED'],
  ],
  RESERVED: [
    ['changed', 'RESERVED'],
    ['extended', 'RESERVED'],
    ['changed', 'WAITLISTED'],
    ['preparing', 'PREPARING'],
    ['short', 'PREPARING'],
    ['ready', 'READY'],
    ['fulfilled', 'FULFILLED'],
    ['released', 'RELEASED'],
    ['expired', 'EXPIRED'],
  ],
  PREPARING: [
    ['changed', 'PREPARING'],
    ['short', 'PREPARING'],
    ['changed', 'RESERVED'],
    ['ready', 'READY'],
    ['changed', 'READY'],
    ['fulfilled', 'FULFILLED'],
    ['released', 'RELEASED'],
  ],
  READY: [
    ['extended', 'READY'],
    ['preparing', 'PREPARING'],
    ['fulfilled', 'FULFILLED'],
    ['released', 'RELEASED'],
  ],
};

/** Names that look like something else in JSON. */
const ACTORS = ['clerk', 'x","PERSON', 'PERSON', 'Größe "q" \\ \u0001', '"state":"READY"'];

/** Any life of a reservation, resolved or not. */
export const anyStory: fc.Arbitrary<Story> = fc
  .record({
    startsAt: fc.integer({ min: 0, max: 200 }).map((hours) => T0 + hours * HOUR_MS),
    channel: fc.constantFrom('web', 'store', ''),
    orderId: fc.constantFrom('o-1', '"state":"READY"', '\\"state\\":\\"WAITLISTED\\"'),
    skus: fc.uniqueArray(fc.constantFrom(...SKUS), { minLength: 1, maxLength: 2 }),
    warehouses: fc.array(fc.constantFrom(...WAREHOUSES), { minLength: 2, maxLength: 2 }),
    releaseReason: fc.constantFrom('CANCELLED', 'SHORT_PICKED', 'MANUAL'),
    choices: fc.array(
      fc.record({
        choice: fc.nat(1_000),
        afterMs: fc.integer({ min: 0, max: 40 * HOUR_MS }),
        actor: fc.constantFrom(...ACTORS),
        actorType: fc.constantFrom('SERVICE', 'SERVICE', 'SERVICE', 'WAREHOUSE', 'CLOCK', 'PERSON'),
        isFirstForm: fc.boolean(),
      }),
      { minLength: 1, maxLength: 10 },
    ),
  })
  .map(({ choices, ...story }) => {
    const events: PlantedEvent[] = [];
    for (const { choice, ...event } of choices) {
      const steps = NEXT[events.at(-1)?.state ?? ''] ?? [];
      const step = steps[choice % steps.length];
      if (step !== undefined) events.push({ ...event, kind: step[0], state: step[1] });
    }
    return { ...story, events } as Story;
  });

/** Writes a reservation with its events, as a commit would have left them; answers its id. */
export async function plantStory(sql: pg.Client, story: Story): Promise<string> {
  const reservationId = randomUUID();
  let at = story.startsAt;
  let hash: Uint8Array = NO_HASH;
  let state: Reservation | null = null;
  for (const [index, event] of story.events.entries()) {
    at += index === 0 ? 0 : event.afterMs;
    state = stateAfter(story, event, reservationId, index + 1, at);
    const eventId = randomUUID();
    const body = Buffer.from(bodyOf(event, eventId, state, at));
    hash = hashEvent(hash, body);
    await sql.query(
      `insert into audit_event (reservation_id, version, event_id, kind, actor, create_time, body, hash)
        values ($1, $2, $3, $4, $5, to_timestamp($6::float8 / 1000), $7, $8)`,
      [reservationId, index + 1, eventId, event.kind, event.actor, at, body, hash],
    );
  }
  if (state === null) throw new TypeError('a story has an event');
  await plantReservation(sql, state);
  return reservationId;
}

function stateAfter(story: Story, { state }: PlantedEvent, id: string, version: number, at: number): Reservation {
  const isResolved = state === 'FULFILLED' || state === 'RELEASED' || state === 'EXPIRED';
  const reason = state === 'EXPIRED' ? 'EXPIRED' : story.releaseReason;
  const lines = story.skus.map((sku, index) => {
    const held = {
      warehouse: story.warehouses[index] ?? 'W1',
      reserved: isResolved ? 0 : 1,
      released: isResolved ? 1 : 0,
    };
    const what =
      state === 'WAITLISTED' ? { allocations: [], waiting: waiting(1) } : { allocations: [anAllocation(held)] };
    return aLine({ lineNumber: index + 1, sku, ...what });
  });
  return {
    ...aReservation({ reservationId: id, trackingId: id, exchangeId: id, version, lines }),
    channel: story.channel,
    orderId: story.orderId,
    createdAt: story.startsAt,
    expireAt: story.startsAt + 1_000 * HOUR_MS,
    state,
    resolvedAt: isResolved ? at : null,
    releaseReason: state === 'RELEASED' || state === 'EXPIRED' ? reason : null,
  } as Reservation;
}

function bodyOf(
  { kind, actor, actorType, isFirstForm }: PlantedEvent,
  eventId: string,
  after: Reservation,
  at: number,
) {
  const header = { eventId, kind, actor, actorType, channel: '', reason: '', createdAt: at, traceId: '' };
  if (!isFirstForm) return writeEventBody(header, after);
  const head = [eventId, after.reservationId, after.version, kind, actor, actorType, '', '', 1, at, ''];
  return JSON.stringify([...head, JSON.stringify(after)]);
}

async function plantReservation(sql: pg.Client, last: Reservation): Promise<void> {
  const facts = last.lines.map(({ allocations: _, ...line }) => line);
  await sql.query(
    `insert into reservation (reservation_id, tracking_id, version, state, exchange_id, return_case_id, order_id,
        customer_ref, channel, priority, lines, rule_version, create_time, expire_time, resolve_time, release_reason, trace_id)
      values ($1::uuid, $1::uuid::text, $2, $3, $1::uuid::text, '', $4, '', $5, 0, $6, 1, to_timestamp($7::float8 / 1000),
        to_timestamp($8::float8 / 1000), to_timestamp($9::float8 / 1000), $10, '')`,
    [
      last.reservationId,
      last.version,
      last.state,
      last.orderId,
      last.channel,
      JSON.stringify(facts),
      last.createdAt,
      last.expireAt,
      last.resolvedAt,
      last.releaseReason,
    ],
  );
  for (const { lineNumber, sku, allocations } of last.lines) {
    for (const { warehouse, reserved, released } of allocations) {
      await sql.query(
        `insert into allocation (reservation_id, line_number, warehouse, sku, quantity, reserved, released)
          values ($1, $2, $3, $4, 1, $5, $6)`,
        [last.reservationId, lineNumber, warehouse, sku, reserved, released],
      );
    }
  }
}
