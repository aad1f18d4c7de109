import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openPlantedLedger, type PlantedLedger } from '../support/planted-ledger.ts';

let ledger: PlantedLedger;

beforeAll(async () => {
  ledger = await openPlantedLedger();
});

afterAll(() => ledger.close());

const id = (at: number): string => ledger.made[at]?.reservationId ?? '';
const tracking = (at: number): string => ledger.made[at]?.trackingId ?? '';

describe('an altered audit event is found and named', () => {
  test.each([
    ['event_id = gen_random_uuid()', 'eventId'],
    ["kind = 'extended'", 'kind'],
    ["actor = 'other'", 'actor'],
    ["create_time = create_time + interval '1 ms'", 'createdAt'],
  ])('EVENT_COLUMN: an audit event with %s', async (change, field) => {
    const drifts = await ledger.plant(
      [`update audit_event set ${change} where reservation_id = $1 and version = 1`],
      [id(1)],
    );
    expect(drifts).toEqual([expect.objectContaining({ kind: 'EVENT_COLUMN', trackingId: tracking(1) })]);
    expect(drifts[0]?.detail).toMatch(new RegExp(`: ${field}$`));
  });

  test('EVENT_COLUMN: an audit event that was given to another reservation', async () => {
    const drifts = await ledger.plant(
      ['update audit_event set reservation_id = gen_random_uuid() where reservation_id = $1'],
      [id(0)],
    );
    expect(drifts).toContainEqual(expect.objectContaining({ kind: 'EVENT_COLUMN', trackingId: tracking(0) }));
  });

  test.each([
    ["'channel'", `replace(convert_from(body, 'UTF8'), '"web"', '"app"')`],
    ['a blank more', `convert_from(body, 'UTF8') || ' '`],
    ['nothing to read', `'no body'`],
  ])('HASH_CHAIN: an audit event whose bytes tell of %s', async (_, text) => {
    const drifts = await ledger.plant(
      [`update audit_event set body = convert_to(${text}, 'UTF8') where reservation_id = $1 and version = 1`],
      [id(1)],
    );
    const [event] = (
      await ledger.sql.query('select event_id from audit_event where reservation_id = $1 and version = 1', [id(1)])
    ).rows;
    const named = { kind: 'HASH_CHAIN', trackingId: tracking(1), eventId: event.event_id };
    expect(drifts).toContainEqual(expect.objectContaining(named));
  });

  test('HASH_CHAIN: an event whose hash was replaced, and the one after it', async () => {
    const drifts = await ledger.plant(
      ['update audit_event set hash = sha256(hash) where reservation_id = $1 and version = 1'],
      [id(1)],
    );
    expect(drifts.map((drift) => drift.kind)).toEqual(['HASH_CHAIN', 'HASH_CHAIN']);
  });

  test('an audit event that tells of nothing is named, not stumbled over', async () => {
    const drifts = await ledger.plant(["update audit_event set body = '[2,null]' where reservation_id = $1"], [id(0)]);
    expect(drifts.map((drift) => drift.kind)).toEqual(expect.arrayContaining(['HASH_CHAIN', 'EVENT_COLUMN', 'STATE']));
  });
});
