"""Operations that answer a whole panel of the page in one request."""
