import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createEquivalents } from '../../src/persistence/equivalents.ts';
import { createLedgerAuditor } from '../../src/persistence/ledger-auditor.ts';
import { keysOf } from '../../src/persistence/waiting-line.ts';
import type { Command } from '../../src/ports.ts';
import { findEquivalents } from '../../src/use-cases/find-equivalents.ts';
import { type ReserveInput, reserve } from '../../src/use-cases/reserve.ts';
import { putItems } from '../../src/use-cases/stock.ts';
import { serialItems, unitsIn } from '../support/serial-items.ts';
import {
  CALL,
  CONTENT_HASH,
  madeReservation,
  reserveInput,
  stockUp,
  type TestService,
} from '../support/test-service.ts';
import { openTwoServices, type TwoServices } from '../support/two-services.ts';

let both: TwoServices;

beforeAll(async () => {
  both = await openTwoServices('substitutes', ['A', 'B'], 5);
});

afterAll(() => both.close());

const item = (sku: string, equivalentSkus: readonly string[]) => ({
  itemId: randomUUID(),
  sku,
  name: sku,
  tracking: 'QUANTITY' as const,
  product: '',
  attributes: {},
  equivalentSkus,
  retired: false,
});

async function name(sku: string, equivalentSkus: readonly string[]): Promise<void> {
  const input = { requestId: randomUUID(), contentHash: CONTENT_HASH, items: [item(sku, equivalentSkus)] };
  expect((await putItems(both.one, input, CALL)).ok).toBe(true);
}

async function ask(service: TestService, inputs: readonly ReserveInput[]) {
  const equivalents = createEquivalents(service.database.pool);
  return await reserve(service, await findEquivalents({ equivalents }, inputs), CALL);
}

const accepting = (sku: string, quantity = 1): ReserveInput =>
  reserveInput([{ sku, quantity }], { acceptSubstitutes: true });

test('R1: two processes give the last units of two items that stand in for each other to exactly as many', async () => {
  const [one, other] = [`P-${randomUUID()}`, `Q-${randomUUID()}`];
  await stockUp(both.one, [one, other], 5);
  await name(one, [other]);
  await name(other, [one]);
  const asked = Array.from({ length: 60 }, (_, at) => accepting(at % 2 === 0 ? one : other));
  const answers = await Promise.all(asked.map((input, at) => ask(at % 3 === 0 ? both.one : both.two, [input])));
  const outcomes = answers.flat();
  expect(outcomes.filter((outcome) => outcome.ok)).toHaveLength(20);
  const reasons = outcomes.flatMap((outcome) => (outcome.ok ? [] : [outcome.refusal.reason]));
  expect(new Set(reasons)).toEqual(new Set(['NO_STOCK']));
  for (const { failures } of [both.one, both.two]) expect(failures.map(({ failure }) => failure)).toEqual([]);
});

test('the pools of what may stand in are locked from the start, and their rows are shared with no unit in flight', async () => {
  const [sku, other] = [`R-${randomUUID()}`, `S-${randomUUID()}`];
  await stockUp(both.one, [sku, other], 1);
  await name(sku, [other]);
  const commands: Command[] = [];
  const unitOfWork: TestService['unitOfWork']['submit'] = (submitted, options) => {
    commands.push(...submitted);
    return both.one.unitOfWork.submit(submitted, options);
  };
  const service = { ...both.one, unitOfWork: { submit: unitOfWork } as TestService['unitOfWork'] };
  const [outcome] = await ask(service, [accepting(sku, 2)]);
  expect(
    madeReservation(outcome ?? { ok: false, refusal: { reason: 'INTERNAL', message: '', metadata: {} } }),
  ).toMatchObject({
    lines: [{ sku, quantity: 2 }],
  });
  const [plain] = [accepting(sku)].map((input) => ({ ...input, acceptSubstitutes: false }));
  await ask(service, plain === undefined ? [] : [plain]);
  const skusOf = (command: Command | undefined) =>
    command === undefined ? [] : keysOf(command).filter((key) => key.startsWith('sku '));
  expect(commands.map(skusOf)).toEqual([[`sku ${sku}`, `sku ${other}`], [`sku ${sku}`]]);
  expect(commands.map((command) => command.lineCount)).toEqual([2, 1]);
});

test('a request that knew nothing of an equivalent finds it all the same, and its neighbours go on', async () => {
  const [sku, other] = [`T-${randomUUID()}`, `U-${randomUUID()}`];
  await stockUp(both.one, [other], 1);
  await name(sku, [other]);
  const outcomes = await reserve(both.one, [accepting(sku), reserveInput([{ sku: 'A' }])], CALL);
  expect(outcomes.map((outcome) => madeReservation(outcome).lines[0])).toMatchObject([
    { sku: other, substitutedFor: sku },
    { sku: 'A' },
  ]);
});

test('R12: serial units stand in by name, each for one exchange', async () => {
  const serial = serialItems(both.one);
  const other = await serial.serial(2);
  const sku = `V-${randomUUID()}`;
  await name(sku, [other]);
  const outcomes = await ask(both.one, [accepting(sku), accepting(sku), accepting(sku)]);
  const held = outcomes.flatMap((outcome) => (outcome.ok ? unitsIn(madeReservation(outcome)) : []));
  expect(held).toEqual([`W1 ${other}-1`, `W1 ${other}-2`]);
  expect(outcomes[2]).toMatchObject({ refusal: { reason: 'NO_STOCK', metadata: { sku } } });
});

test('P22: what stands in counts for the order line of what was asked for', async () => {
  const [sku, other] = [`W-${randomUUID()}`, `X-${randomUUID()}`];
  await stockUp(both.one, [other], 5);
  await name(sku, [other]);
  const orderId = `order-${randomUUID()}`;
  const bought = (): ReserveInput => {
    const input = reserveInput([{ sku, quantity: 2 }], { acceptSubstitutes: true, orderId });
    return { ...input, lines: input.lines.map((line) => ({ ...line, purchasedQuantity: 3 })) };
  };
  const [first, second] = await ask(both.one, [bought(), bought()]);
  expect(first?.ok).toBe(true);
  expect(second).toMatchObject({ refusal: { reason: 'ORDER_LINE_EXHAUSTED' } });
});

test('R3: the ledger agrees, and finds a line that hides what it stands in for', async () => {
  const { pool } = both.one.database;
  expect((await createLedgerAuditor(pool).verify()).drifts).toEqual([]);
  const [sku, other] = [`Y-${randomUUID()}`, `Z-${randomUUID()}`];
  await stockUp(both.one, [other], 1);
  await name(sku, [other]);
  const [outcome] = await ask(both.one, [accepting(sku)]);
  expect(outcome?.ok).toBe(true);
  const { reservationId, trackingId } = madeReservation(outcome as NonNullable<typeof outcome>);
  const hidden = (lines: string) => lines.replace(`"substitutedFor":"${sku}",`, '');
  const changed = await setLines(pool, reservationId, hidden);
  expect((await createLedgerAuditor(pool).verify()).drifts).toMatchObject([{ kind: 'STATE', trackingId }]);
  await setLines(pool, reservationId, () => changed);
});

/** As only a superuser can: no trigger sees it. Answers the lines as they were. */
async function setLines(pool: Pool, reservationId: string, change: (lines: string) => string): Promise<string> {
  const found = await pool.query<{ lines: string }>('select lines::text from reservation where reservation_id = $1', [
    reservationId,
  ]);
  const lines = found.rows[0]?.lines ?? '';
  const client = await pool.connect();
  try {
    await client.query('begin; set local session_replication_role = replica');
    await client.query('update reservation set lines = $2::json where reservation_id = $1', [
      reservationId,
      change(lines),
    ]);
    await client.query('commit');
  } finally {
    client.release();
  }
  expect(change(lines)).not.toBe(lines);
  return lines;
}
