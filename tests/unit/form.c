/* Queries, and forms as JSON. */
#include "text/form.h"
#include "tap.h"

static const char *json(struct arena *a, const char *form)
{
	const char *wrong;
	struct str text = form_json(a, str_of(form), &wrong);
	return text.p ? text.p : wrong;
}

int main(void)
{
	struct arena a = {0};
	is_text(form_parameter(&a, "x=1&a%20b=c%2Fd+e&a b=2", "a b").p, "c/d+e", "a name and a value, decoded");
	is_text(form_field(&a, "x=1&a+b=c+d", "a b").p, "c d", "a '+' is a blank in a form");
	ok(!form_parameter(&a, "xa=1&a&=2", "a").p && !form_parameter(&a, NULL, "a").p, "what is not there");
	is_text(form_parameter(&a, "a=%zz%4&b", "a").p, "%zz%4", "what is no escape stays");
	is_text(json(&a, "a=1&b=x+y&c=%22%C3%A9%0A"), "{\"a\":\"1\",\"b\":\"x y\",\"c\":\"\\\"\xc3\xa9\\n\"}",
		"a form is an object of texts");
	is_text(json(&a, "payload=%7B%22id%22%3A12.10%7D&list=%5B1%5D&no=%7Bx"),
		"{\"payload\":{\"id\":12.10},\"list\":[1],\"no\":\"{x\"}",
		"what is JSON in it is JSON, as it is written");
	is_text(json(&a, "a="), "{\"a\":\"\"}", "a field may be empty");
	is_text(json(&a, ""), "it is empty", "no field is no form");
	is_text(json(&a, "{\"a\":1}"), "a field has no '='", "nor is JSON");
	is_text(json(&a, "a=%ff"), "a field is no UTF-8", "nor what is no UTF-8");
	arena_free(&a);
	return done();
}
