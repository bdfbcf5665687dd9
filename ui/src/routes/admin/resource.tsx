import { useMutation, useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { ApiError } from "../../api/client.ts";
import { queries } from "../../api/queries.ts";
import { useT } from "../../i18n/index.tsx";
import { Button } from "../../kit/button.tsx";
import { Dialog } from "../../kit/dialog.tsx";
import { type FaultWord, faultText } from "../../kit/fault.ts";
import { Field } from "../../kit/field.tsx";
import { Icon } from "../../kit/icon.tsx";
import { Menu, MenuItem } from "../../kit/menu.tsx";
import { Empty, Loaded, Panel } from "../../kit/panel.tsx";
import { useToast } from "../../kit/toast.tsx";

export interface Column<Row> {
  title: string;
  cell(row: Row): ReactNode;
  isNumber?: boolean;
  /** Left out on narrow screens. */
  isWide?: boolean;
  fills?: boolean;
}

export interface Input {
  name: string;
  label: string;
  kind?: "text" | "number" | "password" | "area" | "select" | "datetime-local";
  options?: readonly (readonly [string, string])[];
  required?: boolean;
  hint?: string;
}

export type Values = Record<string, string>;

/** A kind of stored thing: how its list is read, and what can be done with a row. */
export interface Resource<Row> {
  part: string;
  list(): Promise<Row[]>;
  nameOf(row: Row): string;
  columns: Column<Row>[];
  inputs?: Input[];
  create?(values: Values): Promise<ReactNode | void>;
  /** The values of a row that its dialog begins with; absent = rows are not changed. */
  valuesOf?(row: Row): Values;
  update?(row: Row, values: Values): Promise<unknown>;
  remove?(row: Row): Promise<unknown>;
  removeText?: string;
}

export function ResourceTable<Row>({ resource: known, mayChange }: { resource: Resource<Row>; mayChange: boolean }) {
  const resource = mayChange ? known : readOnly(known);
  const { admin } = useT();
  const query = useQuery({ queryKey: ["admin", resource.part], queryFn: resource.list });
  const [edited, setEdited] = useState<{ row: Row | null } | null>(null);
  const [removed, setRemoved] = useState<{ row: Row } | null>(null);
  const create = resource.create && (
    <Button primary onClick={() => setEdited({ row: null })}>
      {admin.create[resource.part]}
    </Button>
  );
  return (
    <>
      <Panel title={(admin.parts as Record<string, string>)[resource.part]} aside={query.data?.length ?? ""} actions={create}>
        <Loaded query={query}>
          {(rows) => (rows.length ? <Rows resource={resource} rows={rows} onEdit={(row) => setEdited({ row })} onRemove={(row) => setRemoved({ row })} /> : <Empty title={admin.none[resource.part]} />)}
        </Loaded>
      </Panel>
      {edited && <EditDialog resource={resource} row={edited.row} onClose={() => setEdited(null)} />}
      {removed && <RemoveDialog resource={resource} row={removed.row} onClose={() => setRemoved(null)} />}
    </>
  );
}

/** The same without what changes something. */
function readOnly<Row>({ part, list, nameOf, columns }: Resource<Row>): Resource<Row> {
  return { part, list, nameOf, columns };
}

interface RowsProps<Row> {
  resource: Resource<Row>;
  rows: Row[];
  onEdit(row: Row): void;
  onRemove(row: Row): void;
}

function Rows<Row>({ resource, rows, onEdit, onRemove }: RowsProps<Row>) {
  const { admin, common } = useT();
  const canChange = resource.update ?? resource.remove;
  const look = (column: Column<Row>) => [column.isNumber && "num", column.isWide && "hide-s", column.fills && "fill"].filter(Boolean).join(" ");
  return (
    <div className="scroll-x">
      <table className="tbl">
        <thead>
          <tr>
            {resource.columns.map((column) => (
              <th key={column.title} className={look(column)}>
                {column.title}
              </th>
            ))}
            {canChange && (
              <th>
                <span className="vh">{common.more}</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={resource.nameOf(row)}>
              {resource.columns.map((column) => (
                <td key={column.title} className={look(column)}>
                  {column.cell(row)}
                </td>
              ))}
              {canChange && (
                <td className="num">
                  <Menu label={`${common.more}: ${resource.nameOf(row)}`} trigger={<Icon name="dots" />} className="btn bare icon">
                    {resource.update && <MenuItem onClick={() => onEdit(row)}>{admin.edit}</MenuItem>}
                    {resource.remove && <MenuItem onClick={() => onRemove(row)}>{resource.removeText ?? common.remove}</MenuItem>}
                  </Menu>
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const refresh = (part: string) => queries.invalidateQueries({ queryKey: ["admin", part] });

/** Faults of a refused body by the name of the field, for the fields to show. */
export function faultsOf(error: unknown, word: FaultWord): Record<string, string> {
  if (!(error instanceof ApiError)) return {};
  const faults: Record<string, string> = {};
  for (const each of error.problem.errors ?? []) {
    const name = each.pointer?.split("/")[1];
    if (name) faults[name] ??= word(each.code, each.message);
  }
  return faults;
}

function EditDialog<Row>({ resource, row, onClose }: { resource: Resource<Row>; row: Row | null; onClose(): void }) {
  const { admin, common } = useT();
  const toast = useToast();
  const inputs = resource.inputs ?? [];
  const [values, setValues] = useState<Values>(() => (row !== null && resource.valuesOf ? resource.valuesOf(row) : {}));
  const [shown, setShown] = useState<ReactNode>(null);
  const change = useMutation({
    mutationFn: async () => (row === null ? resource.create?.(values) : void (await resource.update?.(row, values))),
    onSuccess: (answer) => {
      void refresh(resource.part);
      if (answer) return setShown(answer);
      toast.note(admin.saved(row === null ? (values[inputs[0]?.name ?? ""] ?? "") : resource.nameOf(row)));
      onClose();
    },
  });
  const faults = faultsOf(change.error, common.single_fault);
  const rest = change.error && Object.keys(faults).length === 0 ? faultText({ common }, change.error) : "";
  if (shown) {
    return (
      <Dialog open onClose={onClose} title={admin.create[resource.part]}>
        {shown}
      </Dialog>
    );
  }
  return (
    <Dialog
      open
      onClose={onClose}
      title={row === null ? admin.create[resource.part] : resource.nameOf(row)}
      status={rest && <span className="t-bad b">{rest}</span>}
      submit={{ text: row === null ? common.create : common.save, onSubmit: () => change.mutate(), isBusy: change.isPending }}
    >
      {inputs.map((input, index) => (
        <InputField key={input.name} input={input} isFirst={index === 0} value={values[input.name] ?? ""} error={faults[input.name]} onChange={(value) => setValues({ ...values, [input.name]: value })} />
      ))}
    </Dialog>
  );
}

interface InputProps {
  input: Input;
  value: string;
  isFirst: boolean;
  error: string | undefined;
  onChange(value: string): void;
}

function InputField({ input, value, isFirst, error, onChange }: InputProps) {
  const bad = error ? " bad" : "";
  return (
    <Field label={input.label} hint={input.hint} error={error} required={input.required ?? false}>
      {(ids) =>
        input.kind === "select" ? (
          <select {...ids} className={`inp${bad}`} value={value} onChange={(event) => onChange(event.target.value)}>
            {input.options?.map(([key, text]) => (
              <option key={key} value={key}>
                {text}
              </option>
            ))}
          </select>
        ) : input.kind === "area" ? (
          <textarea {...ids} className={`inp mono${bad}`} rows={4} value={value} onChange={(event) => onChange(event.target.value)} />
        ) : (
          <input {...ids} className={`inp${bad}`} type={input.kind ?? "text"} autoComplete="off" autoFocus={isFirst} required={input.required ?? false} value={value} onChange={(event) => onChange(event.target.value)} />
        )
      }
    </Field>
  );
}

function RemoveDialog<Row>({ resource, row, onClose }: { resource: Resource<Row>; row: Row; onClose(): void }) {
  const { admin, common } = useT();
  const toast = useToast();
  const name = resource.nameOf(row);
  const change = useMutation({
    mutationFn: async () => resource.remove?.(row),
    onSuccess: () => {
      toast.note(admin.removed(name));
      onClose();
    },
    onError: (error) => toast.fail(error),
    onSettled: () => refresh(resource.part),
  });
  return (
    <Dialog open onClose={onClose} title={admin.remove_title(name)} submit={{ text: resource.removeText ?? common.remove, onSubmit: () => change.mutate(), isBusy: change.isPending }}>
      <p>{admin.remove_text}</p>
    </Dialog>
  );
}
