export type Tracking = 'QUANTITY' | 'LOT' | 'SERIAL';

/** What can be exchanged for. The SKU may be renamed; `itemId` stays. */
export interface Item {
  readonly itemId: string;
  readonly sku: string;
  readonly name: string;
  readonly tracking: Tracking;
  readonly product: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly equivalentSkus: readonly string[];
  readonly retired: boolean;
}
