// SPDX-License-Identifier: Apache-2.0

package generate

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
)

// source is what reflection does not see of a package.
type source struct {
	comments map[string]string   // by "Type" and "Type.Field", on one line
	values   map[string][]string // of the constants of a type, in their order
}

// read parses the Go files of a folder, tests left out.
func read(dir string) (source, error) {
	src := source{map[string]string{}, map[string][]string{}}
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return src, fmt.Errorf("listing %s: %w", dir, err)
	}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			return src, fmt.Errorf("reading the comments of %s: %w", path, err)
		}
		src.file(file)
	}
	if len(src.comments) == 0 {
		return src, errors.New("no Go types in " + dir)
	}
	return src, nil
}

func (src source) file(file *ast.File) {
	for _, decl := range file.Decls {
		group, ok := decl.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range group.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				src.typ(spec, group.Doc)
			case *ast.ValueSpec:
				src.constant(spec, group.Tok)
			}
		}
	}
}

func (src source) typ(spec *ast.TypeSpec, doc *ast.CommentGroup) {
	name := spec.Name.Name
	src.comments[name] = oneLine(doc, spec.Doc)
	fields, ok := spec.Type.(*ast.StructType)
	if !ok {
		return
	}
	for _, field := range fields.Fields.List {
		for _, id := range field.Names {
			src.comments[name+"."+id.Name] = oneLine(field.Doc, field.Comment)
		}
	}
}

func (src source) constant(spec *ast.ValueSpec, tok token.Token) {
	typ, ok := spec.Type.(*ast.Ident)
	if tok != token.CONST || !ok {
		return
	}
	for _, value := range spec.Values {
		if lit, ok := value.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			text, _ := strconv.Unquote(lit.Value) // the parser took it
			src.values[typ.Name] = append(src.values[typ.Name], text)
		}
	}
}

func oneLine(groups ...*ast.CommentGroup) string {
	var words []string
	for _, group := range groups {
		words = append(words, strings.Fields(group.Text())...)
	}
	return strings.Join(words, " ")
}
