import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadSampleCatalogue } from '../../adapters/sample-catalogue/load-sample-catalogue.ts';
import { SAMPLE_ITEMS, SAMPLE_WAREHOUSES } from '../../adapters/sample-catalogue/sample-data.ts';
import { createStockReader } from '../../src/persistence/stock-reader.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { openTestService, reserveInput, reserveOne, type TestService } from '../support/test-service.ts';

let database: TestDatabase;
let service: TestService;

beforeAll(async () => {
  database = await createTestDatabase('sample');
  service = await openTestService(database.url);
});

afterAll(async () => {
  await service?.close();
  await database?.drop();
});

test('is loaded once: the same stock after a second load, also from another process', async () => {
  const reader = createStockReader(service.database.orm, service.database.pool);
  const first = await loadSampleCatalogue(service);
  const stocked = await reader.read([], []);
  const other = await openTestService(database.url);
  const again = await loadSampleCatalogue(other).finally(() => other.close());
  expect(again).toEqual(first);
  expect(await reader.read([], [])).toEqual(stocked);
  expect(stocked).toHaveLength(SAMPLE_ITEMS.length * SAMPLE_WAREHOUSES.length);
  expect(stocked.reduce((sum, { level }) => sum + level.onHand, 0)).toBe(first.units);
  expect(first).toMatchObject({ warehouses: 3, items: 24 });
});

test('serves the first exchange from Berlin', async () => {
  const outcome = await reserveOne(service, reserveInput([{ sku: 'SHOE-RED-42' }]));
  if (!outcome.ok || outcome.answer.kind !== 'reservation') throw new Error('it was refused');
  expect(outcome.answer.reservation?.lines[0]?.allocations).toMatchObject([{ warehouse: 'BERLIN-1', reserved: 1 }]);
});
