module wherry.test/clients/apiload

go 1.26.0
