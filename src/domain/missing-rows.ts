/** Thrown when a command needs rows that are not locked; the unit puts it back with the larger set. */
export class MissingRows extends Error {
  override name = 'MissingRows';
  readonly reservationIds: readonly string[];
  readonly skus: readonly string[];
  /** Whether the customers of the commands are needed. */
  readonly customers: boolean;

  constructor(reservationIds: readonly string[], skus: readonly string[] = [], customers = false) {
    super('rows outside the locked set');
    this.reservationIds = reservationIds;
    this.skus = skus;
    this.customers = customers;
  }
}
