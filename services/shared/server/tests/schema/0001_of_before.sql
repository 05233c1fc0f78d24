CREATE TABLE of_before ();
