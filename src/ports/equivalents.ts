/** The items that may stand in for others, as the catalogue names them. */
export interface Equivalents {
  /**
   * At most so many of each SKU, best first, known or not; a SKU that is not in the catalogue, or names none, is left out.
   */
  of(skus: readonly string[], limit: number): Promise<ReadonlyMap<string, readonly string[]>>;
}
