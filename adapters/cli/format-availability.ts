import { type Availability, AvailabilityFlagSchema } from '../../src/gen/earmark/v1/availability_pb.ts';
import { shortName } from './short-enum.ts';
import { type Column, formatTable } from './table.ts';

export const AVAILABILITY_COLUMNS: readonly Column[] = [
  { title: 'SKU', align: 'left' },
  { title: 'WAREHOUSE', align: 'left' },
  { title: 'AVAILABLE', align: 'right' },
  { title: 'ON HAND', align: 'right' },
  { title: 'RESERVED', align: 'right' },
  { title: 'UNAVAILABLE', align: 'right' },
  { title: 'SAFETY', align: 'right' },
  { title: 'SHORTAGE', align: 'right' },
  { title: 'FLAG', align: 'left' },
];

/** Widths for pools that come one by one; a longer cell shifts its row and nothing else. */
export const AVAILABILITY_WIDTHS: readonly number[] = [24, 14, 9, 7, 8, 11, 6, 8, 8];

export function availabilityRow(pool: Availability): string[] {
  const numbers = [pool.available, pool.onHand, pool.reserved, pool.unavailable, pool.safetyStock, pool.shortage];
  return [pool.sku, pool.warehouse, ...numbers.map(String), shortName(AvailabilityFlagSchema, pool.flag)];
}

export function formatAvailability(pools: readonly Availability[]): string {
  return formatTable(AVAILABILITY_COLUMNS, pools.map(availabilityRow));
}
