import pg from 'pg';
import { expect, test } from 'vitest';
import { createLedgerAuditor } from '../../src/persistence/ledger-auditor.ts';
import { SHORTAGES_SQL } from '../../src/persistence/migrations/009-shortages.sql.ts';
import { SHORTAGE_CURES_SQL } from '../../src/persistence/migrations/014-shortage-cures.sql.ts';
import { createShortages } from '../../src/persistence/shortages.ts';
import { settleShortages } from '../../src/use-cases/settle-shortages.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { madeReservation, openTestService, reserveInput, reserveOne, stockUp } from '../support/test-service.ts';

/** The tables as they were, with two units less than are promised. */
const AS_BEFORE = `
drop table shortage, shortage_victim;
alter table allocation drop column missing cascade, drop column priority cascade;
alter table allocation add constraint allocation_counters check (reserved >= 0 and picked >= 0 and short >= 0
  and fulfilled >= 0 and released >= 0 and picked + short <= reserved);
alter table stock_movement disable trigger all;
update stock_movement set on_hand_delta = 4 where sku = 'A' and warehouse = 'W1';
alter table stock_movement enable trigger all;
update stock_pool set on_hand = 4, shortage = 2 where sku = 'A' and warehouse = 'W1';
`;

test('R15: a shortage from before it had victims gets them, by the priority of their reservations', async () => {
  const database = await createTestDatabase('shortages-before');
  const service = await openTestService(database.url);
  await stockUp(service, ['A'], 6);
  const reserve = async (priority: number) =>
    madeReservation(
      await reserveOne(service, reserveInput([{ sku: 'A', quantity: 3, warehouse: 'W1' }], { priority })),
    );
  const [modest] = [await reserve(0), await reserve(4)];
  const sql = new pg.Client({ connectionString: database.url });
  await sql.connect();
  await sql.query(AS_BEFORE);
  await sql.query(SHORTAGES_SQL);
  await sql.query(SHORTAGE_CURES_SQL);
  await sql.end();
  await service.close();
  const later = await openTestService(database.url);
  const verify = async () => (await createLedgerAuditor(later.database.pool).verify()).drifts;
  expect(await verify()).toEqual([]);
  const shortages = createShortages(later.database.pool);
  await settleShortages(later, await shortages.unsettled(1), new AbortController().signal);
  const page = await shortages.list({ skus: [], warehouses: [], includeClosed: false }, { size: 5, token: '' });
  expect(page.rows).toMatchObject([
    { sku: 'A', warehouse: 'W1', quantity: 2, unnamed: 0, victims: [{ trackingId: modest?.trackingId, quantity: 2 }] },
  ]);
  expect(await verify()).toEqual([]);
  await later.close();
  await database.drop();
});
