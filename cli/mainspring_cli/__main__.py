from mainspring_cli.main import main

main()
