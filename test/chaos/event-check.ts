import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type pg from 'pg';

const FETCH_MAX = 500;
const FETCH_EXPIRES_MS = 5_000;
const SHOWN_MAX = 10;

interface PublishedEvent {
  readonly id: string;
  readonly reservationId: string;
  readonly version: number;
}

/** Every state change was published, nothing else was, and no reservation's events go back in time. */
export async function findEventFaults(database: pg.Client, nats: NatsConnection): Promise<string[]> {
  const published = await readEvents(nats);
  const { rows } = await database.query<{ id: string }>(
    `select 'r:' || reservation_id || ':' || version || ':' || kind as id from audit_event`,
  );
  const changes = new Set(rows.map((row) => row.id));
  const told = new Set(published.map((event) => event.id));
  const faults = [
    ...[...changes].filter((id) => !told.has(id)).map((id) => `${id} was never published`),
    ...[...told].filter((id) => !changes.has(id)).map((id) => `${id} was published and never happened`),
  ];
  const latest = new Map<string, number>();
  const seen = new Set<string>();
  for (const { id, reservationId, version } of published) {
    const before = latest.get(reservationId) ?? 0;
    if (version < before && !seen.has(id)) faults.push(`${id} was published after version ${before}`);
    latest.set(reservationId, Math.max(before, version));
    seen.add(id);
  }
  return faults.slice(0, SHOWN_MAX);
}

/** All messages for channels and portals, in the order of their stream. */
async function readEvents(nats: NatsConnection): Promise<PublishedEvent[]> {
  const { state } = await (await jetstreamManager(nats)).streams.info('EARMARK_EVENT');
  const consumer = await jetstream(nats).consumers.get('EARMARK_EVENT');
  const events: PublishedEvent[] = [];
  while (events.length < state.messages) {
    const before = events.length;
    for await (const message of await consumer.fetch({ max_messages: FETCH_MAX, expires: FETCH_EXPIRES_MS })) {
      const id = message.headers?.get('ce-id') ?? '';
      const [, reservationId = '', version = ''] = id.split(':');
      events.push({ id, reservationId, version: Number(version) });
      if (events.length === state.messages) break;
    }
    if (events.length === before) throw new Error(`${events.length} of ${state.messages} events could be read`);
  }
  return events;
}
