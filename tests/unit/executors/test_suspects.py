"""The memory of tasks around which hosts died."""

from mainspring_executors.local.suspects import Suspects

A, B = ("dag", "run", "a", -1), ("dag", "run", "b", -1)


def test_a_task_is_a_suspect_after_two_losses() -> None:
    suspects = Suspects()
    suspects.note_loss([A, B])
    assert not suspects.is_suspect(A)
    suspects.note_loss([A])
    assert (suspects.is_suspect(A), suspects.is_suspect(B)) == (True, False)


def test_one_loss_counts_once_for_each_task() -> None:
    suspects = Suspects()
    suspects.note_loss([A, A])
    assert not suspects.is_suspect(A)


def test_any_other_end_acquits_a_task() -> None:
    suspects = Suspects()
    suspects.note_loss([A])
    suspects.acquit(A)
    suspects.note_loss([A])
    assert not suspects.is_suspect(A)


def test_a_suspect_waits_longer_after_each_loss() -> None:
    suspects = Suspects()
    pauses = []
    for _ in range(9):
        suspects.note_loss([A])
        pauses.append(suspects.pause_seconds(A))
    assert pauses == sorted(pauses)
    assert pauses[1] < pauses[-1] == pauses[-2]
