/** The items of a product, among which a replacement is chosen by what it is like. */
export const WANTED_ITEMS_SQL = `
create index item_product on item (product) where product <> '';
`;
