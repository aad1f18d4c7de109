/** The items of a product, among which a replacement is chosen by what it is like. An item id is a text of the caller's. */
export const WANTED_ITEMS_SQL = `
alter table item alter column item_id type text using item_id::text,
  add constraint item_id_length check (char_length(item_id) between 1 and 128);
create index item_product on item (product) where product <> '';
`;
