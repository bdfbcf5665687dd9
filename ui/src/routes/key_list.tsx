import { useT } from "../i18n/index.tsx";
import { Dialog } from "../kit/dialog.tsx";

export function KeyList({ open, onClose }: { open: boolean; onClose(): void }) {
  const { common } = useT();
  const list = common.key_list;
  const groups: [string, [string, string][]][] = [
    [common.key_groups.everywhere, [["?", list.help], ["Ctrl K", list.search], ["/", list.filter], ["Space", list.pause], ["Z", list.zone], ["Esc", list.back], ["Ctrl ↵", list.submit]]],
    [common.key_groups.pages, [["G H R U B A", list.go]]],
    [common.key_groups.lists, [["J K", list.rows], ["← → ↑ ↓", list.cells], ["↵", list.open], ["[ ]", list.neighbours], [", .", list.tries], ["L", list.log], ["X", list.explain]]],
    [common.key_groups.acting, [["R", list.retry], ["C", list.clear], ["T", list.trigger], ["B", list.backfill], ["E", list.edit]]],
  ];
  return (
    <Dialog open={open} onClose={onClose} title={common.keys}>
      {groups.map(([name, keys]) => (
        <section key={name} className="stack">
          <h3 className="small muted b">{name}</h3>
          <dl className="keys">
            {keys.map(([combination, what]) => [
              <dt key={combination}>
                {combination.split(" ").map((each) => (
                  <kbd key={each}>{each}</kbd>
                ))}
              </dt>,
              <dd key={what}>{what}</dd>,
            ])}
          </dl>
        </section>
      ))}
    </Dialog>
  );
}
