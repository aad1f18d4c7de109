import type { Tracking } from '../domain/item.ts';
import type { NamedLine } from '../domain/stock-units.ts';
import type { PoolRef, Target } from '../domain/working-set.ts';

/** An item by SKU, and how its units are told apart. */
export interface TrackedItem {
  readonly sku: string;
  readonly tracking: Tracking;
}

/** The rows a command needs locked, as far as it can tell before reading. */
export interface Needs {
  readonly targets: readonly Target[];
  readonly skus: readonly string[];
  /** Exchanges a reservation is to be made for, with the id it would get. */
  readonly exchanges: readonly { readonly exchangeId: string; readonly newReservationId: string }[];
  readonly orderLines: readonly { readonly orderId: string; readonly orderLineId: string }[];
  /** Customers whose live reservations count, where the rules limit them. */
  readonly customers: readonly string[];
  /** What may ask for serial units, by number or by name. */
  readonly lines?: readonly NamedLine[];
  /** Lines of the orders that the targets belong to. */
  readonly targetOrderLineIds?: readonly string[];
  /** Ids of items, to find the SKUs they have. */
  readonly itemIds?: readonly string[];
  /** Items it puts. */
  readonly putItems?: readonly TrackedItem[];
  /** Pools to create where they are missing. */
  readonly newPools: readonly PoolRef[];
  /** Counts that need to know what moved after their own time. */
  readonly movedSince: readonly (PoolRef & { readonly since: number })[];
  /** Notifications by id, as it came from the caller. */
  readonly notifications: readonly string[];
  /** Whether it may make a new version of the rules. */
  readonly newRules: boolean;
  /** Whether it follows the rules by which its targets were decided. */
  readonly ownRules: boolean;
  /** Whether it asks for the milestones of its targets and may close their exchanges. */
  readonly milestones: boolean;
  /** Whether it asks for the milestones of its targets and leaves their exchanges alone. */
  readonly reachedMilestones?: boolean;
}

export const NO_NEEDS: Needs = {
  targets: [],
  skus: [],
  exchanges: [],
  orderLines: [],
  customers: [],
  newPools: [],
  movedSince: [],
  notifications: [],
  newRules: false,
  ownRules: false,
  milestones: false,
};
