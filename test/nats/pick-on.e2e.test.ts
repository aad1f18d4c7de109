import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jetstream } from '@nats-io/jetstream';
import { headers as createHeaders } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EmbeddedServer } from '../../adapters/embedded/embedded-server.ts';
import { milestoneSubject } from '../../adapters/nats/subjects.ts';
import { startSimulator } from '../../adapters/wms-simulator/spawn.ts';
import { createLedgerAuditor } from '../../src/persistence/ledger-auditor.ts';
import { startTestNats } from '../support/nats.ts';
import { eventually } from '../support/nats-side.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { putDraft } from '../support/rules.ts';
import { madeReservation, reserveInput, reserveOne, stockUp } from '../support/test-service.ts';
import { openWarehouseSide, type WarehouseSide } from '../support/warehouse-side.ts';

let server: EmbeddedServer;
let database: TestDatabase;
let side: WarehouseSide;

beforeAll(async () => {
  [server, database] = await Promise.all([startTestNats(), createTestDatabase('pick-on')]);
  side = await openWarehouseSide(database.url, server);
  await stockUp(side.service, ['SHOE-1'], 100);
  await putDraft(side.service, 1, { pickOn: 'RETURN_RECEIVED' });
});
afterAll(async () => {
  const report = await createLedgerAuditor(side.service.database.pool).verify();
  await side.close();
  await database.drop();
  await server.stop();
  expect(report.drifts).toEqual([]);
});

async function report(exchangeId: string, milestone: string): Promise<void> {
  const headers = createHeaders();
  headers.set('content-type', 'application/json');
  const payload = JSON.stringify({ requestId: randomUUID(), exchangeId, milestone: `MILESTONE_${milestone}` });
  await jetstream(side.nats.connection).publish(milestoneSubject(exchangeId), payload, { headers });
}

const reserved = async (exchangeId: string) =>
  madeReservation(await reserveOne(side.service, reserveInput([{ sku: 'SHOE-1' }], { exchangeId }))).trackingId;

const stateOf = async (id: string) => (await side.reservations.find({ by: 'tracking', id }))?.state;

/** What the warehouse was told of a reservation, in order. */
async function told(trackingId: string): Promise<(string | undefined)[]> {
  const subjects = await side.nats.subjects('EARMARK_OUT');
  return subjects.filter((subject) => subject.endsWith(trackingId)).map((subject) => subject.split('.')[4]);
}

test('P26: the warehouse reserves at once, and picks and ships only once the milestone was reported', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'earmark-simulator-'));
  const quick = { startDelayMs: 10, pickDelayMs: 10, shipDelayMs: 10, execArgv: [] };
  const simulator = await startSimulator({ ...quick, natsUrl: server.url, wms: 'sim', dataDir });
  try {
    const [early, awaiting] = ['EX-EARLY', 'EX-AWAITING'];
    await report(early, 'RETURN_RECEIVED');
    await eventually('the early report', () =>
      side.nats.last('EARMARK_DLQ', 'earmark.v1.dlq.EARMARK_5FEXCHANGE.exchange.refused'),
    );
    const second = await reserved(awaiting);
    const first = await reserved(early);
    // Reserved after the other and shipped before it: the other one could have been picked by now.
    await eventually('FULFILLED', async () => (await stateOf(first)) === 'FULFILLED');
    await report(awaiting, 'CARRIER_SCANNED');
    expect([await stateOf(second), await told(second)]).toEqual(['RESERVED', ['reservation-requested']]);
    await report(awaiting, 'RETURN_RECEIVED');
    await eventually('FULFILLED', async () => (await stateOf(second)) === 'FULFILLED');
    expect(await told(second)).toEqual(['reservation-requested', 'pick-requested']);
    expect(await told(first)).toEqual(['reservation-requested', 'pick-requested']);
  } finally {
    await simulator.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
});
