"""Operations that change a finished or running run: clear, mark, and their bulk forms."""
