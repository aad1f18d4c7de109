import { randomUUID } from 'node:crypto';
import { create, toBinary } from '@bufbuild/protobuf';
import { jetstream } from '@nats-io/jetstream';
import { headers as createHeaders } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EmbeddedServer } from '../../adapters/embedded/embedded-server.ts';
import { milestoneSubject } from '../../adapters/nats/subjects.ts';
import { Milestone } from '../../src/gen/earmark/v1/reservation_pb.ts';
import { ReportMilestoneRequestSchema } from '../../src/gen/earmark/v1/reservation_service_pb.ts';
import { createLedgerAuditor } from '../../src/persistence/ledger-auditor.ts';
import { startTestNats } from '../support/nats.ts';
import { eventually } from '../support/nats-side.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { reserveInput, reserveOne, stockUp } from '../support/test-service.ts';
import { openWarehouseSide, type WarehouseSide } from '../support/warehouse-side.ts';

let server: EmbeddedServer;
let database: TestDatabase;
let side: WarehouseSide;

beforeAll(async () => {
  [server, database] = await Promise.all([startTestNats(), createTestDatabase('milestone')]);
  side = await openWarehouseSide(database.url, server);
  await stockUp(side.service, ['A'], 100);
});
afterAll(async () => {
  const report = await createLedgerAuditor(side.service.database.pool).verify();
  await side.close();
  await database.drop();
  await server.stop();
  expect(report.drifts).toEqual([]);
});

async function send(exchangeId: string, payload: string | Uint8Array, contentType = 'application/json') {
  const headers = createHeaders();
  headers.set('content-type', contentType);
  await jetstream(side.nats.connection).publish(milestoneSubject(exchangeId), payload, { headers });
}

const report = (exchangeId: string, milestone: string, more: object = {}) =>
  send(
    exchangeId,
    JSON.stringify({ requestId: randomUUID(), exchangeId, milestone: `MILESTONE_${milestone}`, ...more }),
  );

async function reserved(exchangeId: string): Promise<void> {
  expect(await reserveOne(side.service, reserveInput([{ sku: 'A' }], { exchangeId }))).toMatchObject({ ok: true });
}

const stateOf = async (id: string) => (await side.reservations.find({ by: 'exchange', id }))?.state;

async function kept(exchangeId: string) {
  const { rows } = await side.service.database.pool.query(
    'select milestone, applied, actor from milestone where exchange_id = $1 order by create_time',
    [exchangeId],
  );
  return rows;
}

test('a milestone reported over NATS has one effect, however often it is sent', async () => {
  await reserved('EX.1');
  const requestId = randomUUID();
  for (let time = 0; time < 3; time += 1) await report('EX.1', 'CANCELLED', { requestId });
  await report('EX.1', 'COMPLETED');
  await eventually('both reports', async () => (await kept('EX.1')).length === 2);
  expect(await stateOf('EX.1')).toBe('RELEASED');
  expect(await kept('EX.1')).toEqual([
    { milestone: 'CANCELLED', applied: true, actor: 'exchange' },
    { milestone: 'COMPLETED', applied: false, actor: 'exchange' },
  ]);
});

test('it may be binary, and leave out the exchange its subject names', async () => {
  await reserved('EX-2');
  const message = create(ReportMilestoneRequestSchema, { requestId: randomUUID(), milestone: Milestone.COMPLETED });
  await send('EX-2', toBinary(ReportMilestoneRequestSchema, message), 'application/protobuf');
  await eventually('FULFILLED', async () => (await stateOf('EX-2')) === 'FULFILLED');
});

test.each([
  ['undecodable', [], () => send('EX-3', '{')],
  ['invalid', [], () => report('EX-3', 'UNSPECIFIED')],
  ['invalid-exchange', [], () => report('EX-3', 'CANCELLED', { exchangeId: 'EX-4' })],
  ['refused', ['LABEL_CREATED'], () => report('EX-3', 'LABEL_CREATED')],
])('what nobody can act upon is parked as %s', async (reason, reported, sendIt) => {
  await sendIt();
  const parked = await eventually(reason, () =>
    side.nats.last('EARMARK_DLQ', `earmark.v1.dlq.EARMARK_5FEXCHANGE.exchange.${reason}`),
  );
  expect(parked.header.get('earmark-subject')).toBe(milestoneSubject('EX-3'));
  expect((await kept('EX-3')).map(({ milestone }) => milestone)).toEqual(reported);
});
