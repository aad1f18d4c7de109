import { AvailabilityService } from '../../src/gen/earmark/v1/availability_service_pb.ts';
import type { WireCase } from './wire-cases.ts';

const { getAvailability } = AvailabilityService.method;

/** What GetAvailability answers over every door. */
export const AVAILABILITY_CASES: readonly WireCase[] = [
  {
    name: 'tells what is available',
    step: (world) => ({ method: getAvailability, request: { skus: [world.sku], warehouses: ['W2'] } }),
    code: 'OK',
    json: (world) => ({ availability: [{ sku: world.sku, warehouse: 'W2', flag: 'AVAILABILITY_FLAG_IN_STOCK' }] }),
  },
  {
    name: 'does not tell the availability of an item nobody knows',
    step: (world) => ({ method: getAvailability, request: { skus: [world.sku, world.id('no-item')] } }),
    code: 'NOT_FOUND',
    reason: 'UNKNOWN_SKU',
    metadata: (world) => ({ sku: world.id('no-item') }),
  },
  {
    name: 'does not tell the availability in a warehouse nobody knows',
    step: (world) => ({ method: getAvailability, request: { skus: [world.sku], warehouses: ['W1', 'NOWHERE'] } }),
    code: 'NOT_FOUND',
    reason: 'UNKNOWN_WAREHOUSE',
    metadata: () => ({ warehouse: 'NOWHERE' }),
  },
];
