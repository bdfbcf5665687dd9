export const dag = {};
