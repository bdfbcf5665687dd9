// Define a DAG, run it, wait for it, read its log and its outputs: by a Go client of openapi-generator-cli.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	client "generated"
)

func must[T any](value T, _ any, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

func main() {
	configuration := client.NewConfiguration()
	configuration.Servers = client.ServerConfigurations{{URL: os.Args[1]}}
	api := client.NewAPIClient(configuration)
	ctx := context.WithValue(context.Background(), client.ContextAccessToken, os.Args[2])

	rows := "3"
	task := client.NewShellTask("shell")
	task.SetScript(`echo "read $ROWS rows"; echo "rows=$ROWS" >> "$MAINSPRING_OUTPUT"`)
	task.SetEnv(map[string]client.EnvironmentValue{"ROWS": {String: &rows}})
	definition := client.NewDefinition()
	definition.SetTasks(map[string]client.Task{"read": client.ShellTaskAsTask(task)})
	// The type of a free value differs between the versions of OpenAPI.
	if err := json.Unmarshal([]byte(`{"rows": "${{ tasks.read.outputs.rows }}"}`), &definition.Outputs); err != nil {
		panic(err)
	}

	must(api.DagsAPI.PutDag(ctx, "from_go").Definition(*definition).Execute())
	run := must(api.DagRunsAPI.TriggerDagRun(ctx, "from_go").TriggerBody(*client.NewTriggerBody()).Execute())
	result := must(api.DagRunsAPI.WaitDagRunUntilFinished(ctx, "from_go", run.DagRunId).Timeout(60).Execute())
	log := must(api.LogsAPI.GetLog(ctx, "from_go", run.DagRunId, "read", 1).FullContent(true).Execute())
	wasRead := false
	for _, line := range log.Content {
		wasRead = wasRead || line.Event == "read 3 rows"
	}
	outputs, _ := json.Marshal(result.Outputs)
	fmt.Println(*result.State.Get(), wasRead, string(outputs))
}
