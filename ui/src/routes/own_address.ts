/** Whether an address is one of this page: it begins with one slash and not with two. */
export const isOwnAddress = (next: string | undefined): next is string => !!next && /^\/(?![/\\])/.test(next);
