const hello = "hello";
