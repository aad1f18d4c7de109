import type { WantedAttributes } from '../domain/wanted-item.ts';

/** A replacement told by what it is like. */
export interface WantedItem {
  /** The item that comes back; its product is meant. */
  readonly returnedSku: string;
  readonly attributes: WantedAttributes;
}

export interface WantedItems {
  /**
   * For each, in order, the SKUs that fit: of the same product, not retired, with all wanted attributes; at most two.
   * Never older than an answer already given.
   */
  find(wanted: readonly WantedItem[]): Promise<readonly (readonly string[])[]>;
}
